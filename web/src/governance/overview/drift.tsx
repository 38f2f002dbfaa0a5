import { useMutation, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { Id, Loading, Pill, ReadProblem, rowClass, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { policyDriftQuery, refreshGovernance, tenantDriftQuery } from "../governance-query";
import { repairPolicies, repairTenants } from "../governance.api";
import type { RepairReport, ResourceDrift } from "../governance.types";

const WHAT = {
  tenants: { name: "Tenants", repair: repairTenants },
  policies: { name: "Policies", repair: repairPolicies },
} as const;
type Which = keyof typeof WHAT;

/** Whether what lists show agrees with the sources, and its repair. */
export function Drift() {
  const tenants = useQuery(tenantDriftQuery);
  const policies = useQuery(policyDriftQuery);
  return (
    <Section title="Copies and their sources">
      <Rows label="Drift">
        <DriftRow which="tenants" result={tenants} />
        <DriftRow which="policies" result={policies} />
      </Rows>
    </Section>
  );
}

const ISSUE: Record<ResourceDrift["mismatches"][number]["issue"], string> = {
  "missing-source": "has no source",
  "missing-projection": "is not in the lists",
  "field-mismatch": "differs",
};
const SHOWN = 5;

function DriftRow({ which, result }: { which: Which; result: UseQueryResult<ResourceDrift> }) {
  const { name } = WHAT[which];
  const { data, error, isFetching, refetch } = result;
  const [isOpen, setOpen] = useState(false);
  if (error !== null) {
    return (
      <li className={`${rowClass} p-3`}>
        <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />
      </li>
    );
  }
  if (!data) {
    return (
      <li className={rowClass}>
        <Loading what={name} rows={1} />
      </li>
    );
  }
  const { driftCount, sourceCount } = data.summary;
  return (
    <li data-testid="drift" data-resource={which} data-count={driftCount} className={`${rowClass} grid gap-1.5 px-4 py-3`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <span className="min-w-0 flex-1 basis-40">
          <span className="block font-medium">{name}</span>
          <span className="block text-[0.8125rem] text-muted">{countOf(sourceCount, "source")}</span>
        </span>
        {driftCount === 0 ? <Pill tone="ok">Agree</Pill> : <Pill tone="warn">{driftCount.toLocaleString()} disagree</Pill>}
        <Button size="sm" aria-label={`Repair ${name.toLowerCase()}`} onClick={() => setOpen(true)}>
          Repair
        </Button>
      </div>
      {data.mismatches.length > 0 && (
        <ul className="text-[0.8125rem] text-muted">
          {data.mismatches.slice(0, SHOWN).map((mismatch) => (
            <li key={mismatch.name} className="[overflow-wrap:anywhere]">
              <Id>{mismatch.name}</Id> {ISSUE[mismatch.issue]}
              {mismatch.fields && mismatch.fields.length > 0 && <> in {mismatch.fields.join(", ")}</>}
            </li>
          ))}
          {data.mismatches.length > SHOWN && <li>and {countOf(data.mismatches.length - SHOWN, "more")}</li>}
        </ul>
      )}
      <RepairDialog which={which} isOpen={isOpen} onClose={() => setOpen(false)} />
    </li>
  );
}

interface RepairDialogProps {
  which: Which;
  isOpen: boolean;
  onClose: () => void;
}

function RepairDialog({ which, isOpen, onClose }: RepairDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Repair ${WHAT[which].name.toLowerCase()}`}
      description="Copies are written anew from their sources. What has no source is left as it is."
    >
      <RepairForm which={which} onClose={onClose} />
    </Dialog>
  );
}

function RepairForm({ which, onClose }: Omit<RepairDialogProps, "isOpen">) {
  const client = useQueryClient();
  const { repair } = WHAT[which];
  const plan = useQuery({ queryKey: ["governance", "repair-plan", which], queryFn: () => repair(true), staleTime: 0, gcTime: 0 });
  const apply = useMutation({ mutationFn: () => repair(false), onSettled: () => refreshGovernance(client) });
  const report = apply.data ?? plan.data;
  return (
    <div data-testid="repair" data-mode={report?.mode} className="grid grid-cols-1 gap-4">
      {plan.error !== null && <ErrorNotice error={plan.error} />}
      {apply.error !== null && <ErrorNotice error={apply.error} />}
      {report ? <Report report={report} /> : plan.error === null && <Loading what="what would be done" rows={2} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{apply.data ? "Done" : "Cancel"}</Button>
        {!apply.data && (
          <Button variant="primary" busy={apply.isPending} disabled={!plan.data || plan.data.repairedCount === 0} onClick={() => apply.mutate()}>
            Repair now
          </Button>
        )}
      </div>
    </div>
  );
}

function Report({ report }: { report: RepairReport }) {
  const isDone = report.mode === "apply";
  return (
    <>
      <p>
        {report.repairedCount === 0
          ? isDone
            ? "Nothing had to be repaired."
            : "Nothing to repair: every copy agrees with its source."
          : `${countOf(report.repairedCount, "copy", "copies")} ${isDone ? "repaired" : "would be written anew"}.`}
        {report.skippedCount > 0 && <> {report.skippedCount.toLocaleString()} left as they are.</>}
      </p>
      {report.entries.length > 0 && (
        <ul tabIndex={0} aria-label="Entries" className="max-h-60 overflow-y-auto rounded-lg border border-line px-3 py-2 text-[0.8125rem]">
          {report.entries.map((entry) => (
            <li key={entry.name} className="[overflow-wrap:anywhere]">
              <Id>{entry.name}</Id> <span className="text-muted">{entry.action === "skipped" ? `left: ${entry.reason}` : `${isDone ? "" : "would be "}${entry.action}: ${entry.reason}`}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
