/** Small pieces that the administrators' pages share. */
import { ChevronRight, Search } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { asApiError } from "../api/errors";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import type { Tone } from "./tone";

export type { Tone };

const TONE: Record<Tone, { pill: string; dot: string }> = {
  ok: { pill: "bg-ok-soft text-ok", dot: "bg-ok" },
  info: { pill: "bg-info-soft text-info", dot: "bg-info" },
  warn: { pill: "bg-warn-soft text-warn", dot: "bg-warn" },
  bad: { pill: "bg-bad-soft text-bad", dot: "bg-bad" },
  quiet: { pill: "bg-sunken text-muted", dot: "bg-transparent ring-[1.5px] ring-inset ring-muted" },
};

export function Pill({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={cx("inline-flex shrink-0 items-center gap-1.5 rounded-full py-0.5 pr-2.5 pl-2 text-xs font-medium whitespace-nowrap", TONE[tone].pill)}>
      <span aria-hidden className={cx("size-2 rounded-full", TONE[tone].dot)} />
      {children}
    </span>
  );
}

export function PageHead({ title, note, children }: { title: string; note?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <h1 className="text-2xl font-semibold tracking-tight [overflow-wrap:anywhere]">{title}</h1>
        {note !== undefined && <p className="text-[0.8125rem] text-muted">{note}</p>}
      </div>
      {children}
    </header>
  );
}

export function Loading({ what, rows = 4 }: { what: string; rows?: number }) {
  return (
    <div role="status" className="grid gap-2 rounded-xl border border-line bg-surface p-4">
      <span className="sr-only">Loading {what}</span>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} className="h-8" />
      ))}
    </div>
  );
}

/** A failed read: what it means to an operator, and another try where one may help. */
export function ReadProblem({ error, isBusy, onRetry }: { error: unknown; isBusy: boolean; onRetry: () => void }) {
  const { status } = asApiError(error);
  const retry = (
    <Button size="sm" busy={isBusy} onClick={onRetry}>
      Try again
    </Button>
  );
  if (status === 403) return <Notice tone="warn">Your role does not allow this any more. Reload the page to see what it does allow.</Notice>;
  return <ErrorNotice error={error} action={status === 404 ? null : retry} />;
}

interface SearchFieldProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}

const PAUSE_MS = 300;

/** Searches when the typing pauses, and follows an address that changes by the browser's own buttons. */
export function SearchField({ label, placeholder, value, onChange }: SearchFieldProps) {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setTyped(value);
  }, [value]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      onChange(typed);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, onChange]);
  return (
    <label className="relative min-w-0 flex-[1_1_16rem]">
      <span className="sr-only">{label}</span>
      <Search aria-hidden className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted" />
      <input
        type="search"
        name="q"
        placeholder={placeholder}
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="h-9 w-full rounded-lg border border-line-strong bg-surface pr-3 pl-9 text-base shadow-card placeholder:text-muted hover:border-muted sm:text-sm"
      />
    </label>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T | null;
  options: readonly { value: T; label: string }[];
  onChange: (value: T | null) => void;
}

/** One of a few filters, or none. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <select
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => onChange(options.find((option) => option.value === event.target.value)?.value ?? null)}
      className="h-9 min-w-0 rounded-lg border border-line-strong bg-surface px-2.5 text-base shadow-card hover:border-muted sm:text-sm"
    >
      <option value="">{label}: all</option>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

/** Rows of a list in a card. */
export function Rows({ label, children, testId }: { label: string; children: ReactNode; testId?: string }) {
  return (
    <ul aria-label={label} data-testid={testId} className="min-w-0 rounded-xl border border-line bg-surface shadow-card">
      {children}
    </ul>
  );
}

export const rowClass = "border-t border-line first:border-t-0";

/** What makes a row a link to more. */
export function RowArrow() {
  return <ChevronRight aria-hidden className="size-4 shrink-0 text-muted" />;
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid gap-x-10 rounded-xl border border-line bg-surface px-4 py-2 text-[0.8125rem] shadow-card sm:grid-cols-2 sm:px-5">{children}</dl>;
}

export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4 border-t border-line/70 py-1.5 first:border-t-0 sm:[&:nth-child(2)]:border-t-0">
      <dt className="shrink-0 text-muted">{label}</dt>
      <dd className="min-w-0 text-right [overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}

/** An id to compare and copy, never to read aloud. */
export function Id({ children }: { children: ReactNode }) {
  return <code className="font-mono text-xs [overflow-wrap:anywhere]">{children}</code>;
}

/** Raw facts for those who want all of them. */
export function RawFacts({ label, value }: { label: string; value: unknown }) {
  return (
    <details className="text-[0.8125rem]">
      <summary className="w-fit rounded-sm text-muted hover:text-ink">{label}</summary>
      <pre tabIndex={0} aria-label={label} className="mt-2 max-h-80 overflow-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere]">
        {JSON.stringify(value, null, 2)}
      </pre>
    </details>
  );
}

interface MoreProps {
  hasMore: boolean;
  isBusy: boolean;
  onMore: () => void;
}

/** Goes on where a list by cursor ends. */
export function More({ hasMore, isBusy, onMore }: MoreProps) {
  if (!hasMore) return null;
  return (
    <div className="flex justify-center">
      <Button size="sm" busy={isBusy} onClick={onMore}>
        Show more
      </Button>
    </div>
  );
}

/** Says why buttons are missing. */
export function ReadOnlyNote() {
  return <p className="text-[0.8125rem] text-muted">You may look. Changing this takes the role superadmin.</p>;
}
