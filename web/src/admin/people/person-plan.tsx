import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { capitalise, formatDay, humanise } from "../../lib/format";
import { Section } from "../../machine/section";
import { describeExcess } from "../../plan/keep.core";
import { readMeters } from "../../plan/plan-wire.core";
import { UsageBars } from "../../plan/usage-bars";
import { Button } from "../../ui/button";
import { ErrorNotice } from "../../ui/error-notice";
import { Notice } from "../../ui/notice";
import { cancelDowngrade } from "../admin.api";
import type { Person } from "../admin.types";
import { personDowngradeQuery, personUsageQuery, refreshPerson } from "../admin-query";
import { useOperator } from "../operator-context";
import { Loading, ReadProblem } from "../parts";
import { ChangePlanDialog } from "./change-plan-dialog";
import { mayChange } from "./person.core";

/** Somebody's plan, how much of it is used, and a downgrade that waits for a choice. */
export function PersonPlan({ person }: { person: Person }) {
  const me = useOperator();
  const usage = useQuery(personUsageQuery(person.id));
  const [isChanging, setChanging] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const canChange = mayChange(me, person) && person.status === "active";
  return (
    <Section
      title="Plan"
      aside={
        canChange && (
          <Button size="sm" data-testid="change-plan" onClick={() => setChanging(true)}>
            Change plan
          </Button>
        )
      }
    >
      <p data-testid="person-plan" data-plan={person.subscription_plan} className="-mt-2 text-sm text-muted">
        <span className="font-medium text-ink">{capitalise(humanise(person.subscription_plan ?? "none"))}</span>
        {person.subscription_status && `, ${humanise(person.subscription_status)}`}
        {person.subscription_ends_at !== null && `, until ${formatDay(person.subscription_ends_at)}`}
      </p>
      {done !== null && (
        <Notice tone="ok">
          <span data-testid="plan-outcome">{done}</span>
        </Notice>
      )}
      <OpenDowngrade person={person} canChange={canChange} />
      {usage.data ? (
        <UsageBars meters={readMeters(usage.data)} />
      ) : usage.error === null ? (
        <Loading what="usage" rows={2} />
      ) : (
        <ReadProblem error={usage.error} isBusy={usage.isFetching} onRetry={() => void usage.refetch()} />
      )}
      <ChangePlanDialog
        person={person}
        isOpen={isChanging}
        onClose={() => setChanging(false)}
        onDone={(text) => {
          setChanging(false);
          setDone(text);
        }}
      />
    </Section>
  );
}

function OpenDowngrade({ person, canChange }: { person: Person; canChange: boolean }) {
  const client = useQueryClient();
  const { data, error } = useQuery(personDowngradeQuery(person.id));
  const cancel = useMutation({ mutationFn: (requestId: string) => cancelDowngrade(person.id, requestId), onSettled: () => refreshPerson(client, person.id) });
  if (error !== null) return <ErrorNotice error={error} />;
  if (!data) return null;
  const excess = describeExcess(data.features);
  return (
    <>
      {cancel.error !== null && <ErrorNotice error={cancel.error} />}
      <Notice
        tone="warn"
        action={
          canChange && (
            <Button size="sm" busy={cancel.isPending} onClick={() => cancel.mutate(data.request_id)}>
              Take it back
            </Button>
          )
        }
      >
        <span data-testid="open-downgrade">
          Going down from {capitalise(humanise(data.from_plan))} to {capitalise(humanise(data.to_plan))}
          {excess !== null && `: ${excess}`}. What stays is chosen until {formatDay(data.grace_ends_at)}; after that the server chooses.
        </span>
      </Notice>
    </>
  );
}
