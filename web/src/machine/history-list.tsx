import type { MachineHistoryEvent } from "../api/live-types";
import { RelativeTime } from "../ui/relative-time";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/skeleton";
import { describeEvent } from "./history.core";
import { Nothing, Section } from "./section";

const DOT = { ok: "bg-ok", bad: "bg-bad", warn: "bg-warn", plain: "bg-line-strong" } as const;

interface HistoryListProps {
  events: MachineHistoryEvent[] | null;
  /** Names of bots by id, for events that tell of one. */
  botNames: ReadonlyMap<string, string>;
}

export function HistoryList({ events, botNames }: HistoryListProps) {
  return (
    <Section title="History">
      {events === null ? (
        <Skeleton className="h-40 rounded-xl" />
      ) : events.length === 0 ? (
        <Nothing>Nothing has happened on this machine yet.</Nothing>
      ) : (
        <ol className="text-[0.8125rem]">
          {events
            .toSorted((a, b) => b.at.localeCompare(a.at))
            .map((event) => (
              <Row key={event.id} event={event} botNames={botNames} />
            ))}
        </ol>
      )}
    </Section>
  );
}

function Row({ event, botNames }: { event: MachineHistoryEvent; botNames: ReadonlyMap<string, string> }) {
  const { title, details, tone } = describeEvent(event, botNames);
  return (
    <li className="group grid grid-cols-[0.75rem_1fr_auto] gap-x-3">
      <span aria-hidden className="relative flex justify-center">
        <span className="absolute inset-y-0 w-px bg-line group-first:top-3 group-last:bottom-auto group-last:h-3" />
        <span className={cx("relative mt-[0.5625rem] size-2 rounded-full ring-4 ring-paper", DOT[tone])} />
      </span>
      <span className="py-1.5">
        <span className="font-medium">{title}</span> <span className="text-muted [overflow-wrap:anywhere]">{details}</span>
      </span>
      <span className="py-1.5 text-muted">
        <RelativeTime at={event.at} />
      </span>
    </li>
  );
}
