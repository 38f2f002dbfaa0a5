import { useQuery } from "@tanstack/react-query";
import { Id, Pill, rowClass, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { ErrorNotice } from "../../ui/error-notice";
import { RelativeTime } from "../../ui/relative-time";
import { useAct } from "../act";
import { approveSource, decideItem, syncSource } from "../assets.api";
import { ConfirmAct } from "../confirm-act";
import { sourcesQuery } from "../governance-query";
import type { Source, SourceItem } from "../governance.types";
import { Read } from "../parts";
import { ITEM_TONE, SYNC_TONE } from "./catalogue.core";

export function Sources() {
  return (
    <Section title="Sources">
      <Read result={useQuery(sourcesQuery)} what="sources" rows={2}>
        {(sources) =>
          sources.length === 0 ? (
            <Nothing>No source offers anything.</Nothing>
          ) : (
            <Rows label="Sources">
              {sources.map((source) => (
                <SourceRow key={source.id} source={source} />
              ))}
            </Rows>
          )
        }
      </Read>
    </Section>
  );
}

function SourceRow({ source }: { source: Source }) {
  const sync = useAct(() => syncSource(source.id));
  const isWaiting = source.syncStatus === "pending-approval";
  return (
    <li data-testid="source" data-name={source.name} data-status={source.syncStatus} className={`${rowClass} grid gap-2 px-4 py-3 text-[0.8125rem]`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="text-sm font-medium [overflow-wrap:anywhere]">{source.name}</span>
            <Pill tone={SYNC_TONE[source.syncStatus]}>{source.syncStatus}</Pill>
          </p>
          <p className="text-muted [overflow-wrap:anywhere]">
            {source.url !== "" && <Id>{source.url}</Id>} · {source.type}, {source.syncMode} · looked through <RelativeTime at={source.lastSyncedAt} />
          </p>
          {source.syncError !== undefined && <p className="text-bad [overflow-wrap:anywhere]">{source.syncError}</p>}
        </div>
        {isWaiting ? (
          <ConfirmAct label="Approve" name={`Approve ${source.name}`} title={`Approve ${source.name}?`} description="It is looked through from then on. Nothing is installed by that." confirmLabel="Approve" act={() => approveSource(source.id)} />
        ) : (
          <Button size="sm" aria-label={`Sync ${source.name}`} busy={sync.isPending} disabled={source.syncStatus === "syncing"} onClick={() => sync.mutate()}>
            Sync
          </Button>
        )}
      </div>
      {sync.error !== null && <ErrorNotice error={sync.error} />}
      {source.items.length > 0 && (
        <details open={source.items.some(({ status }) => status === "discovered")}>
          <summary className="w-fit rounded-sm text-muted hover:text-ink">{countOf(source.items.length, "item")}</summary>
          <ul aria-label={`Items of ${source.name}`} className="mt-2 grid gap-1">
            {source.items.map((item) => (
              <ItemRow key={item.id} sourceId={source.id} item={item} />
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

function ItemRow({ sourceId, item }: { sourceId: string; item: SourceItem }) {
  const decide = useAct((isApproved: boolean) => decideItem(sourceId, item.id, isApproved));
  return (
    <li data-testid="source-item" data-name={item.name} data-status={item.status} className="grid gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t border-line/70 py-1.5">
        <span className="min-w-0 flex-1 basis-40 [overflow-wrap:anywhere]">
          {item.name} <span className="text-muted">{[item.version, item.kind].filter(Boolean).join(", ")}</span>
        </span>
        <Pill tone={ITEM_TONE[item.status]}>{item.status}</Pill>
        {item.status === "discovered" && (
          <div className="flex gap-2">
            <Button size="sm" aria-label={`Approve ${item.name}`} busy={decide.isPending} onClick={() => decide.mutate(true)}>
              Approve
            </Button>
            <Button size="sm" variant="ghost" aria-label={`Reject ${item.name}`} onClick={() => !decide.isPending && decide.mutate(false)}>
              Reject
            </Button>
          </div>
        )}
      </div>
      {decide.error !== null && <ErrorNotice error={decide.error} />}
    </li>
  );
}
