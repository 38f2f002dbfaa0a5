import type { ReactNode } from "react";
import { RelativeTime } from "../ui/relative-time";
import { cx } from "../ui/cx";
import { judgeSelection, wordsOf } from "./keep.core";

export interface Choice {
  id: string;
  label: string;
  /** A second line, such as an address. */
  detail: string | null;
  /** When it was last used or parked, and the word for that. */
  at: string | null;
  atWord: string;
}

interface ChoiceListProps {
  feature: string;
  choices: readonly Choice[];
  chosen: ReadonlySet<string>;
  /** How many may be chosen. */
  room: number;
  verb: "keep" | "bring back";
  isLocked: boolean;
  onChange: (chosen: ReadonlySet<string>) => void;
  children?: ReactNode;
}

/** Things to tick, at most so many; the count speaks as it changes. */
export function ChoiceList({ feature, choices, chosen, room, verb, isLocked, onChange }: ChoiceListProps) {
  const { many } = wordsOf(feature);
  const { text, fault } = judgeSelection(chosen, room, feature, verb);
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  return (
    <fieldset disabled={isLocked} className="grid min-w-0 grid-cols-1 gap-2">
      <legend className="sr-only">{`The ${many} to ${verb}`}</legend>
      <div className="rounded-xl border border-line bg-surface shadow-card">
        {choices.map(({ id, label, detail, at, atWord }) => (
          <label
            key={id}
            className="flex cursor-pointer items-center gap-3.5 border-t border-line px-4 py-3 first:rounded-t-xl first:border-t-0 last:rounded-b-xl has-[:focus-visible]:outline-2 has-[:focus-visible]:-outline-offset-2"
          >
            <input type="checkbox" value={id} checked={chosen.has(id)} onChange={() => toggle(id)} className="size-[1.125rem] shrink-0 accent-ink outline-none" />
            <span className="min-w-0 flex-1">
              <span className="block font-medium [overflow-wrap:anywhere]">{label}</span>
              <span className="block text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
                {detail !== null && <span className="font-mono text-xs">{detail}</span>}
                {detail !== null && at !== null && " · "}
                {at !== null && (
                  <>
                    {atWord} <RelativeTime at={at} />
                  </>
                )}
              </span>
            </span>
          </label>
        ))}
      </div>
      <p role="status" data-testid="choice-count" data-feature={feature} className={cx("text-[0.8125rem]", fault === null ? "text-muted" : "font-medium text-bad")}>
        {text}
        {fault !== null && `. ${fault}`}
      </p>
    </fieldset>
  );
}
