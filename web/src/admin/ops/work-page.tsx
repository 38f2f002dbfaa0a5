import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { asApiError } from "../../api/errors";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { ConfirmDialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import { useOperator } from "../operator-context";
import { dropDeadLetter, dropEffect, retryDeadLetter, retryEffect } from "../ops.api";
import { Id, Loading, More, PageHead, RawFacts, ReadOnlyNote, ReadProblem, rowClass, Rows } from "../parts";
import { mayOperate } from "../people/person.core";
import { lettersQuery, parkedQuery, refreshOps } from "./ops-query";

/** Work that the server gave up: messages that could not be handled, and effects without tries left. */
export function WorkPage() {
  usePageTitle("Given up");
  const mayAct = mayOperate(useOperator());
  const letters = useInfiniteQuery(lettersQuery);
  const parked = useInfiniteQuery(parkedQuery);
  return (
    <div data-testid="work" className="grid grid-cols-1 gap-6">
      <PageHead title="Given up" />
      {!mayAct && <ReadOnlyNote />}
      <Section title={letters.data ? `Dead letters (${letters.data.pages[0]?.total ?? 0})` : "Dead letters"}>
        <p className="-mt-2 text-sm text-muted">Messages of the queue that could not be handled. Sent again, one is a new message; what never was a job can only be dropped.</p>
        <List query={letters} what="dead letters" empty="No message was given up.">
          {letters.data?.pages
            .flatMap((page) => page.dead_letters)
            .map(({ id, type, reason, payload, retryable, created_at: at }) => (
              <GivenUp key={id} kind="letter" id={id} type={type} why={reason} at={at} mayRetry={mayAct && retryable} mayDrop={mayAct} retry={() => retryDeadLetter(id)} drop={() => dropDeadLetter(id)}>
                <RawFacts label="What it carries" value={payload} />
              </GivenUp>
            ))}
        </List>
      </Section>
      <Section title="Parked effects">
        <p className="-mt-2 text-sm text-muted">Consequences of commits that failed until their tries were used up. Tried again, one is delivered at once.</p>
        <List query={parked} what="parked effects" empty="No effect gave up.">
          {parked.data?.pages
            .flatMap((page) => page.effects)
            .map(({ id, type, attempts, last_error: error, parked_at: at, created_at: madeAt }) => (
              <GivenUp key={id} kind="effect" id={id} type={type} why={`${error ?? "no error"} (${attempts} tries)`} at={at ?? madeAt} mayRetry={mayAct} mayDrop={mayAct} retry={() => retryEffect(id)} drop={() => dropEffect(id)} />
            ))}
        </List>
      </Section>
    </div>
  );
}

interface ListProps {
  query: { data: unknown; error: unknown; isFetching: boolean; isFetchingNextPage: boolean; hasNextPage: boolean; refetch: () => unknown; fetchNextPage: () => unknown };
  what: string;
  empty: string;
  children: ReactNode[] | undefined;
}

function List({ query, what, empty, children }: ListProps) {
  return (
    <>
      {query.error !== null && <ReadProblem error={query.error} isBusy={query.isFetching} onRetry={() => void query.refetch()} />}
      {children ? children.length === 0 ? <Nothing>{empty}</Nothing> : <Rows label={what}>{children}</Rows> : query.error === null && <Loading what={what} />}
      <More hasMore={query.hasNextPage} isBusy={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
    </>
  );
}

interface GivenUpProps {
  kind: "letter" | "effect";
  id: string;
  type: string;
  why: string;
  at: string;
  mayRetry: boolean;
  mayDrop: boolean;
  retry: () => Promise<unknown>;
  drop: () => Promise<unknown>;
  children?: ReactNode;
}

/** A second press finds nothing: somebody was quicker, and the row is as it was asked for. */
async function unlessGone(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (asApiError(error).code !== "not_found") throw error;
  }
}

function GivenUp({ kind, id, type, why, at, mayRetry, mayDrop, retry, drop, children }: GivenUpProps) {
  const client = useQueryClient();
  const [isDropping, setDropping] = useState(false);
  const again = useMutation({ mutationFn: () => unlessGone(retry), onSettled: () => refreshOps(client) });
  const forget = useMutation({ mutationFn: () => unlessGone(drop), onSuccess: () => setDropping(false), onSettled: () => refreshOps(client) });
  return (
    <li data-testid={kind} data-id={id} className={`${rowClass} grid gap-2 px-4 py-3`}>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <p className="font-medium [overflow-wrap:anywhere]">{type}</p>
          <p className="text-[0.8125rem] text-bad [overflow-wrap:anywhere]">{why}</p>
          <p className="text-[0.8125rem] text-muted">
            <RelativeTime at={at} /> · <Id>{id}</Id>
          </p>
        </div>
        <div className="flex gap-2">
          {mayRetry && (
            <Button size="sm" busy={again.isPending} aria-label={`Try ${type} again`} onClick={() => again.mutate()}>
              Try again
            </Button>
          )}
          {mayDrop && (
            <Button size="sm" aria-label={`Drop ${type}`} onClick={() => setDropping(true)}>
              Drop
            </Button>
          )}
        </div>
      </div>
      {again.error !== null && <ErrorNotice error={again.error} />}
      {again.isSuccess && <Notice tone="info">It is on its way.</Notice>}
      {children}
      <ConfirmDialog
        isOpen={isDropping}
        onOpenChange={(isOpen) => {
          if (isOpen) return;
          forget.reset();
          setDropping(false);
        }}
        title={`Drop ${type}?`}
        description={kind === "letter" ? "What it asked for is never done, unless a sweep finds it anew. The audit keeps what it was." : "The consequence never happens, and what it was for may stay half done. The audit keeps what it was."}
        confirmLabel="Drop"
        isBusy={forget.isPending}
        error={forget.error}
        onConfirm={() => forget.mutate()}
      />
    </li>
  );
}
