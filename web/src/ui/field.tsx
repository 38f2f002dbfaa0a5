import { CircleAlert } from "lucide-react";
import { useId, type ComponentProps, type ReactNode } from "react";
import { cx } from "./cx";

/** `className` sets the size of the input in place of the usual one. */
interface FieldProps extends Omit<ComponentProps<"input">, "id"> {
  label: string;
  name: string;
  error?: string | null | undefined;
  hint?: ReactNode;
  /** Sits inside the input at its right end, such as a show button. */
  trailing?: ReactNode;
}

/** A labelled input with its hint and its error, tied together for assistive technology. */
export function Field({ label, error, hint, trailing, className, ...input }: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const describedBy = [error && errorId, hint && hintId].filter(Boolean).join(" ");
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <input
          {...input}
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={describedBy || undefined}
          className={cx(
            inputBase,
            error ? "border-bad" : "border-line-strong hover:border-muted",
            className ?? cx(inputSize, trailing !== undefined ? "pr-12 pl-3.5" : "px-3.5"),
          )}
        />
        {trailing !== undefined && <div className="absolute inset-y-0 right-1 flex items-center">{trailing}</div>}
      </div>
      {error && (
        <p id={errorId} role="alert" className="flex items-start gap-1.5 text-[0.8125rem] text-bad">
          <CircleAlert aria-hidden className="mt-[0.1875rem] size-3.5 shrink-0" />
          {error}
        </p>
      )}
      {hint && (
        <div id={hintId} className="text-[0.8125rem] text-muted">
          {hint}
        </div>
      )}
    </div>
  );
}

const inputBase = "w-full rounded-lg border bg-surface text-ink shadow-card transition-colors placeholder:text-muted";
// 16 px text on phones: smaller inputs make iOS zoom the page.
const inputSize = "h-11 text-base sm:text-[0.9375rem]";

/** A select drawn as the inputs are. */
export const selectClass = cx(inputBase, inputSize, "border-line-strong px-3 hover:border-muted");
