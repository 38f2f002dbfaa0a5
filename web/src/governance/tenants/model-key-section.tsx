import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Fact, Facts, Id, Pill } from "../../admin/parts";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { ErrorNotice } from "../../ui/error-notice";
import { RelativeTime } from "../../ui/relative-time";
import { useAct } from "../act";
import { ConfirmAct } from "../confirm-act";
import { issueModelKey, revokeModelKey } from "../governance.api";
import { modelKeyQuery } from "../governance-query";
import { Read } from "../parts";
import { Once } from "../once";

/** The key by which the tenant's agents reach models. */
export function ModelKeySection({ name }: { name: string }) {
  const result = useQuery(modelKeyQuery(name));
  const [issued, setIssued] = useState<string | null>(null);
  const issue = useAct(
    () => issueModelKey(name),
    ({ key }) => setIssued(key),
  );
  const lives = result.data ? result.data.revokedAt === null : false;
  const actions = lives ? (
    <div className="flex gap-2">
      <ConfirmAct
        label="Issue anew"
        title="Issue the model key anew?"
        description="The key before ends at once: whatever uses it has to be given the new one."
        confirmLabel="Issue anew"
        act={async () => setIssued((await issueModelKey(name)).key)}
      />
      <ConfirmAct label="Revoke" name="Revoke the model key" variant="danger" title="Revoke the model key?" description="The tenant's agents reach no model until another is issued." confirmLabel="Revoke" act={() => revokeModelKey(name)} />
    </div>
  ) : (
    <Button size="sm" busy={issue.isPending} disabled={result.data === undefined} onClick={() => issue.mutate()}>
      Issue a key
    </Button>
  );
  return (
    <Section title="Model key" aside={actions}>
      {issue.error !== null && <ErrorNotice error={issue.error} />}
      <Read result={result} what="the model key" rows={1}>
        {(key) =>
          key === null ? (
            <Nothing>No key was issued.</Nothing>
          ) : (
            <Facts>
              <Fact label="Alias">
                <Id>{key.keyAlias}</Id>
              </Fact>
              <Fact label="State">{key.revokedAt === null ? <Pill tone="ok">In use</Pill> : <Pill tone="quiet">Revoked</Pill>}</Fact>
              <Fact label="Issued">
                <RelativeTime at={key.issuedAt} />
              </Fact>
              {key.revokedAt !== null && (
                <Fact label="Revoked">
                  <RelativeTime at={key.revokedAt} />
                </Fact>
              )}
            </Facts>
          )
        }
      </Read>
      <Once title="Copy the model key now" label="the model key" secret={issued} onClose={() => setIssued(null)} />
    </Section>
  );
}
