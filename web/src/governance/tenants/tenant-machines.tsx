import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Id, Loading, More, Pill, ReadProblem, rowClass, Rows } from "../../admin/parts";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { RelativeTime } from "../../ui/relative-time";
import { useAct } from "../act";
import { ConfirmAct } from "../confirm-act";
import { attachMachine, detachMachine } from "../governance.api";
import { tenantMachinesQuery } from "../governance-query";
import type { TenantMachine } from "../governance.types";
import { describeSync } from "./tenant.core";

interface TenantMachinesProps {
  name: string;
  /** The tenant's own address: whose machines are meant unless told otherwise. */
  owner: string;
}

/** The machines that keep to the tenant's contract, and how far they are. */
export function TenantMachines({ name, owner }: TenantMachinesProps) {
  const [isAttaching, setAttaching] = useState(false);
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(tenantMachinesQuery(name));
  const machines = data?.pages.flat();
  return (
    <Section
      title="Machines"
      aside={
        <Button size="sm" onClick={() => setAttaching(true)}>
          Attach a machine
        </Button>
      }
    >
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {machines ? (
        machines.length === 0 ? (
          <Nothing>No machine is attached, so nothing keeps to the contract yet.</Nothing>
        ) : (
          <Rows label="Machines">
            {machines.map((machine) => (
              <MachineRow key={machine.instanceId} tenant={name} machine={machine} />
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="machines" rows={2} />
      )}
      <More hasMore={hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
      <Dialog isOpen={isAttaching} onOpenChange={setAttaching} title="Attach a machine" description="It is told the tenant's contract and keeps to it from then on.">
        <AttachForm name={name} owner={owner} onClose={() => setAttaching(false)} />
      </Dialog>
    </Section>
  );
}

const revision = (value: number | null): string => (value === null ? "none" : String(value));

function MachineRow({ tenant, machine }: { tenant: string; machine: TenantMachine }) {
  const { tone, label } = describeSync(machine);
  return (
    <li data-testid="tenant-machine" data-instance-id={machine.instanceId} data-in-sync={machine.inSync} className={`${rowClass} flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 text-[0.8125rem]`}>
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="text-sm font-medium [overflow-wrap:anywhere]">{machine.label}</span>
          <Pill tone={tone}>{label}</Pill>
          {!machine.online && <Pill tone="quiet">Offline</Pill>}
        </p>
        <p className="text-muted [overflow-wrap:anywhere]">
          <Id>{machine.instanceId}</Id> of {machine.owner}
        </p>
        <p className="text-muted">
          Contract {revision(machine.revision)}
          {machine.inSync ? ", delivered and reported" : `: delivered ${revision(machine.deliveredRevision)}, reported ${revision(machine.reportedRevision)}`}
          {machine.lastReportAt !== null && (
            <>
              {" "}
              <RelativeTime at={machine.lastReportAt} />
            </>
          )}
          {machine.enforcing.length > 0 && <> · enforces {machine.enforcing.join(", ")}</>}
          {machine.awarenessVersion !== null && <> · {machine.awarenessVersion}</>}
        </p>
      </div>
      <ConfirmAct
        label="Detach"
        name={`Detach ${machine.label}`}
        title={`Detach ${machine.label}?`}
        description="It is told that it is governed no more, and does what it likes from then on."
        confirmLabel="Detach"
        act={() => detachMachine(tenant, machine.instanceId)}
      />
    </li>
  );
}

function AttachForm({ name, owner, onClose }: TenantMachinesProps & { onClose: () => void }) {
  const [instanceId, setInstanceId] = useState("");
  const [ownerEmail, setOwnerEmail] = useState("");
  const attach = useAct(() => attachMachine(name, instanceId.trim(), ownerEmail.trim()), onClose);
  const error = attach.error === null ? null : asApiError(attach.error);
  return (
    <form
      noValidate
      data-testid="attach-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (instanceId.trim() !== "" && !attach.isPending) attach.mutate();
      }}
    >
      {error !== null && <ErrorNotice error={error} />}
      <Field label="Instance id" name="instanceId" placeholder="openclaw-…" autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={255} value={instanceId} error={error?.fields["instanceId"]} hint="As the fleet shows it." onChange={(event) => setInstanceId(event.target.value)} />
      <Field label="Its owner's e-mail" name="owner" type="email" placeholder={owner} autoComplete="off" value={ownerEmail} error={error?.fields["owner"]} hint={`${owner} unless another is named.`} onChange={(event) => setOwnerEmail(event.target.value)} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={attach.isPending} disabled={instanceId.trim() === ""}>
          Attach
        </Button>
      </div>
    </form>
  );
}
