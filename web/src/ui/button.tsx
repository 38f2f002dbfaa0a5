import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cx } from "./cx";

type Variant = "primary" | "secondary" | "ghost" | "danger";

const VARIANT: Record<Variant, string> = {
  primary: "bg-action text-on-action hover:bg-action-hover shadow-card",
  secondary: "border border-line bg-raised text-ink hover:border-line-strong shadow-card",
  ghost: "text-muted hover:bg-sunken hover:text-ink",
  danger: "bg-danger text-white shadow-card hover:brightness-110",
};

export function buttonClass(variant: Variant = "secondary", size: "sm" | "md" | "lg" = "md", className?: string): string {
  return cx(
    "inline-flex shrink-0 items-center justify-center gap-2 rounded-lg font-medium whitespace-nowrap transition-colors select-none",
    "disabled:cursor-not-allowed disabled:opacity-50 aria-disabled:cursor-not-allowed aria-disabled:opacity-60",
    size === "sm" && "h-8 px-3 text-[0.8125rem]",
    size === "md" && "h-9 px-3.5 text-sm",
    size === "lg" && "h-11 px-5 text-[0.9375rem]",
    VARIANT[variant],
    className,
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  variant?: Variant;
  size?: "sm" | "md" | "lg";
  /** Shows that work is going on; the button stays focusable but does nothing. */
  busy?: boolean;
}

export function Button({ variant, size, busy = false, className, children, onClick, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
      className={buttonClass(variant, size, className)}
    >
      {busy && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  label: string;
  asChild?: boolean;
}

/** A square button whose only content is an icon; the label is spoken and shown on hover. */
export function IconButton({ label, asChild = false, className, ...rest }: IconButtonProps) {
  const Element = asChild ? Slot.Root : "button";
  return (
    <Element
      {...(asChild ? {} : { type: "button" as const })}
      {...rest}
      aria-label={label}
      title={label}
      className={cx(
        "inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-muted transition-colors hover:bg-sunken hover:text-ink data-[state=open]:bg-sunken data-[state=open]:text-ink [&_svg]:size-[1.125rem]",
        className,
      )}
    />
  );
}
