/** Small pieces that the governance pages share. */
import type { UseQueryResult } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useId, type ComponentProps, type ReactNode } from "react";
import { Loading, ReadProblem } from "../admin/parts";
import { cx } from "../ui/cx";

interface ReadProps<T> {
  result: Pick<UseQueryResult<T>, "data" | "error" | "isFetching" | "refetch">;
  what: string;
  rows?: number;
  children: (data: T) => ReactNode;
}

/** What was read, or how reading it goes. */
export function Read<T>({ result: { data, error, isFetching, refetch }, what, rows = 3, children }: ReadProps<T>) {
  return (
    <>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data === undefined ? error === null && <Loading what={what} rows={rows} /> : children(data)}
    </>
  );
}

/** @param isList its lines bring their own space */
export function Card({ children, className, isList = false, ...rest }: ComponentProps<"div"> & { isList?: boolean }) {
  return (
    <div {...rest} className={cx("min-w-0 rounded-xl border border-line bg-surface px-4 shadow-card sm:px-5", isList ? "py-1.5" : "py-4", className)}>
      {children}
    </div>
  );
}

interface TextAreaProps extends Omit<ComponentProps<"textarea">, "id"> {
  label: string;
  name: string;
  error?: string | null | undefined;
  hint?: ReactNode;
}

/** A labelled field of several lines, made as `Field` is. */
export function TextArea({ label, error, hint, className, ...input }: TextAreaProps) {
  const id = useId();
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div className="grid content-start gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <textarea
        rows={3}
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        {...input}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy || undefined}
        className={cx(
          "w-full rounded-lg border bg-surface px-3.5 py-2.5 font-mono text-base text-ink shadow-card transition-colors placeholder:text-muted sm:text-[0.8125rem]",
          error ? "border-bad" : "border-line-strong hover:border-muted",
          className,
        )}
      />
      {error && (
        <p id={`${id}-error`} role="alert" className="flex items-start gap-1.5 text-[0.8125rem] text-bad">
          <CircleAlert aria-hidden className="mt-[0.1875rem] size-3.5 shrink-0" />
          {error}
        </p>
      )}
      {hint && (
        <div id={`${id}-hint`} className="text-[0.8125rem] text-muted">
          {hint}
        </div>
      )}
    </div>
  );
}

/** Names beside each other; a plain word when there are none. */
export function Chips({ items, none, tone = "plain" }: { items: readonly string[]; none: string; tone?: "plain" | "bad" }) {
  if (items.length === 0) return <span className="text-muted">{none}</span>;
  return (
    <ul className="flex flex-wrap gap-1.5">
      {items.map((item) => (
        <li key={item} className={cx("rounded-md px-1.5 py-0.5 font-mono text-xs [overflow-wrap:anywhere]", tone === "bad" ? "bg-bad-soft text-bad" : "bg-sunken")}>
          {item}
        </li>
      ))}
    </ul>
  );
}

/** A term and what it holds, the one above the other on a phone. */
export function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-4 gap-y-1 border-t border-line/70 py-2.5 first:border-t-0 sm:grid-cols-[10rem_minmax(0,1fr)]">
      <dt className="text-[0.8125rem] text-muted">{label}</dt>
      <dd className="min-w-0 text-[0.8125rem] [overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}
