import { Link } from "@tanstack/react-router";
import { Id, RawFacts, rowClass } from "../../admin/parts";
import { RelativeTime } from "../../ui/relative-time";
import type { TrailEntry } from "../governance.types";

/** Who changed what. */
export function TrailRow({ entry, isFull = false }: { entry: TrailEntry; isFull?: boolean }) {
  return (
    <li data-testid="trail-entry" data-action={entry.action} data-resource={entry.resource} className={`${rowClass} grid gap-1 px-4 py-2.5 text-[0.8125rem]`}>
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <span className="text-sm font-medium">{entry.action}</span>
        <Id>{entry.resource}</Id>
        <span className="ml-auto shrink-0 text-muted">
          <RelativeTime at={entry.timestamp} />
        </span>
      </div>
      <p className="text-muted [overflow-wrap:anywhere]">
        by {[entry.actor.type, entry.actor.id].filter(Boolean).join(" ")}
        {entry.tenant !== undefined && (
          <>
            {" "}
            · tenant{" "}
            <Link to="/governance/audit" search={{ tenant: entry.tenant }} className="rounded-sm underline underline-offset-2 hover:text-ink">
              {entry.tenant}
            </Link>
          </>
        )}
      </p>
      {isFull && entry.detail !== undefined && <RawFacts label="Detail" value={{ message: entry.message, ...entry.detail, requestId: entry.requestId }} />}
    </li>
  );
}
