import { Search } from "lucide-react";
import { useEffect, useRef } from "react";
import { cx } from "../ui/cx";
import type { FleetFilter } from "./fleet-filter";
import { MACHINE_STATUSES, STATUS_LABEL, type MachineStatus } from "./machine-status";

interface FilterBarProps {
  filter: FleetFilter;
  counts: Record<MachineStatus, number>;
  total: number;
  onChange: (filter: FleetFilter) => void;
}

export function FilterBar({ filter, counts, total, onChange }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener("keydown", focusOnSlash);
    return () => document.removeEventListener("keydown", focusOnSlash);
  }, []);

  return (
    <search className="flex flex-wrap items-center gap-3">
      <label className="relative min-w-0 flex-[1_1_16rem]">
        <span className="sr-only">Filter machines</span>
        <Search aria-hidden className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted" />
        <input
          ref={input}
          type="search"
          placeholder="Filter by name, host, system, process…"
          value={filter.text}
          onChange={(event) => onChange({ ...filter, text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === "Escape") onChange({ ...filter, text: "" });
          }}
          className="peer h-9 w-full rounded-lg border border-line-strong bg-surface pr-3 pl-9 text-base shadow-card placeholder:text-muted hover:border-muted sm:text-sm"
        />
        {filter.text === "" && (
          <kbd aria-hidden className="pointer-events-none absolute top-1/2 right-2.5 hidden -translate-y-1/2 rounded border border-line px-1.5 font-mono text-xs text-muted peer-focus:hidden sm:block">
            /
          </kbd>
        )}
      </label>
      <div role="group" aria-label="Filter by status" className="flex flex-wrap gap-1">
        <Choice isOn={filter.status === null} onClick={() => onChange({ ...filter, status: null })} label="All" count={total} />
        {MACHINE_STATUSES.filter((status) => counts[status] > 0 || filter.status === status).map((status) => (
          <Choice
            key={status}
            isOn={filter.status === status}
            onClick={() => onChange({ ...filter, status: filter.status === status ? null : status })}
            label={STATUS_LABEL[status]}
            count={counts[status]}
          />
        ))}
      </div>
    </search>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

interface ChoiceProps {
  isOn: boolean;
  onClick: () => void;
  label: string;
  count: number;
}

function Choice({ isOn, onClick, label, count }: ChoiceProps) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={onClick}
      className={cx(
        "inline-flex h-8 items-center gap-1.5 rounded-lg px-2.5 text-[0.8125rem] font-medium transition-colors",
        isOn ? "bg-action text-on-action" : "text-muted hover:bg-sunken hover:text-ink",
      )}
    >
      {label}
      <span className={isOn ? "opacity-75" : undefined}>{count}</span>
    </button>
  );
}
