import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { ConfirmDialog } from "../../ui/dialog";
import { RelativeTime } from "../../ui/relative-time";
import type { ResealRun } from "../admin.types";
import { useOperator } from "../operator-context";
import { startReseal } from "../ops.api";
import { Id, Loading, PageHead, Pill, ReadOnlyNote, ReadProblem, rowClass, Rows, type Tone } from "../parts";
import { mayOperate } from "../people/person.core";
import { keysQuery, refreshOps, resealsQuery } from "./ops-query";

/** Which keys there are and what needs each. Ids only: no key is ever shown. */
export function KeysPage() {
  usePageTitle("Keys");
  const { data, error, isFetching, refetch } = useQuery(keysQuery);
  return (
    <div data-testid="keys" className="grid grid-cols-1 gap-6">
      <PageHead title="Keys" note="Ids only; a key itself is never shown." />
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data ? (
        <>
          <Section title="Sealing keys">
            <Rows label="Sealing keys">
              {data.seal_keys.keys.map((key) => (
                <KeyRow key={key.key_id} id={key.key_id} isActive={key.is_active} inUse={key.in_use} isSpare={key.safe_to_drop} what="sealed values" />
              ))}
            </Rows>
          </Section>
          <Reseals />
          <Section title="Keys of CLI tokens">
            <Rows label="Keys of CLI tokens">
              {data.token_keys.keys.map((key) => (
                <KeyRow key={key.key_id} id={key.key_id} isActive={key.is_active} inUse={key.in_use} isSpare={key.safe_to_drop} what="tokens" />
              ))}
            </Rows>
            {data.token_keys.unknown > 0 && <p className="text-[0.8125rem] text-muted">{data.token_keys.unknown} older tokens do not say which key they need, so none may be dropped yet.</p>}
          </Section>
          <Section title="Signing keys">
            <Rows label="Signing keys">
              {data.signing_keys.keys.map((key) => (
                <KeyRow key={key.key_id} id={key.key_id} isActive={key.is_active} inUse={null} isSpare={false} what="" />
              ))}
            </Rows>
          </Section>
        </>
      ) : (
        error === null && <Loading what="keys" />
      )}
    </div>
  );
}

function KeyRow({ id, isActive, inUse, isSpare, what }: { id: string; isActive: boolean; inUse: number | null; isSpare: boolean; what: string }) {
  return (
    <li data-testid="key" className={`${rowClass} flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5`}>
      <span className="min-w-0 flex-1 basis-40">
        <Id>{id}</Id>
      </span>
      {inUse !== null && (
        <span className="text-[0.8125rem] text-muted">
          {inUse.toLocaleString()} {what}
        </span>
      )}
      {isActive ? <Pill tone="ok">In use for new ones</Pill> : isSpare ? <Pill tone="info">Safe to drop</Pill> : <Pill tone="warn">Still needed</Pill>}
    </li>
  );
}

const RUN_TONE: Record<ResealRun["state"], Tone> = { running: "info", completed: "ok", incomplete: "bad" };

function Reseals() {
  const client = useQueryClient();
  const mayAct = mayOperate(useOperator());
  const [isAsked, setAsked] = useState(false);
  const { data, error, isFetching, refetch } = useQuery(resealsQuery);
  const start = useMutation({ mutationFn: startReseal, onSuccess: () => setAsked(false), onSettled: () => refreshOps(client) });
  return (
    <Section
      title="Sealing anew"
      aside={
        mayAct && (
          <Button size="sm" data-testid="reseal" onClick={() => setAsked(true)}>
            Seal everything anew
          </Button>
        )
      }
    >
      {!mayAct && <ReadOnlyNote />}
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data ? (
        data.length === 0 ? (
          <Nothing>Never done. It is needed to get rid of an old key.</Nothing>
        ) : (
          <Rows label="Walks">
            {data.map((run) => (
              <li key={run.id} data-testid="reseal-run" data-state={run.state} className={`${rowClass} flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-[0.8125rem]`}>
                <Pill tone={RUN_TONE[run.state]}>{run.state}</Pill>
                <span className="min-w-0 flex-1 basis-56 text-muted">
                  {run.columns_done} of {run.columns_total} columns · {run.seen.toLocaleString()} seen, {run.resealed.toLocaleString()} sealed anew
                  {run.unreadable > 0 && <span className="text-bad">, {run.unreadable.toLocaleString()} unreadable</span>}
                </span>
                <span className="text-muted">
                  under <Id>{run.key_id}</Id>, <RelativeTime at={run.created_at} />
                </span>
              </li>
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="walks" rows={2} />
      )}
      <ConfirmDialog
        isOpen={isAsked}
        onOpenChange={(isOpen) => {
          if (isOpen) return;
          start.reset();
          setAsked(false);
        }}
        title="Seal everything anew?"
        description="Jobs walk through every sealed value and seal it under the newest key. The server goes on meanwhile; a large one needs a while."
        confirmLabel="Begin"
        isBusy={start.isPending}
        error={start.error}
        onConfirm={() => start.mutate()}
      />
    </Section>
  );
}
