import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { RelativeTime } from "../../ui/relative-time";
import type { PersonMachine } from "../admin.types";
import { inspectionQuery } from "../admin-query";
import { explainMachine } from "../machines/offline.core";
import { Pill, RowArrow, rowClass, Rows } from "../parts";

/** Each offline machine shown costs a look into its object. */
const SHOWN = 10;

export function PersonMachines({ userId, machines }: { userId: number; machines: readonly PersonMachine[] }) {
  const [count, setCount] = useState(SHOWN);
  const sorted = machines.toSorted((a, b) => Number(a.archived_at !== null) - Number(b.archived_at !== null) || Number(a.online) - Number(b.online));
  return (
    <Section title={`Machines (${machines.length})`}>
      {machines.length === 0 ? (
        <Nothing>No machine was ever registered.</Nothing>
      ) : (
        <Rows label="Machines" testId="person-machines">
          {sorted.slice(0, count).map((machine) => (
            <MachineRow key={machine.id} userId={userId} machine={machine} />
          ))}
        </Rows>
      )}
      {machines.length > count && (
        <div>
          <Button size="sm" onClick={() => setCount(count + SHOWN)}>
            Show {Math.min(SHOWN, machines.length - count)} more
          </Button>
        </div>
      )}
    </Section>
  );
}

function MachineRow({ userId, machine }: { userId: number; machine: PersonMachine }) {
  return (
    <li className={rowClass}>
      <Link
        to="/admin/people/$userId/machines/$instanceId"
        params={{ userId: String(userId), instanceId: machine.instance_id }}
        data-testid="person-machine"
        data-instance-id={machine.instance_id}
        className="flex items-center gap-3 rounded-xl px-4 py-2.5 outline-offset-[-2px] transition-colors hover:bg-sunken/60"
      >
        <span className="min-w-0 flex-1">
          <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="font-medium [overflow-wrap:anywhere]">{machine.label || machine.instance_id}</span>
            <StatePill machine={machine} />
          </span>
          <span className="block text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
            {(machine.online && machine.last_seen !== null) || machine.archived_at !== null ? (
              <>
                seen <RelativeTime at={machine.last_seen} />
              </>
            ) : (
              <WhyOffline userId={userId} instanceId={machine.instance_id} />
            )}{" "}
            · <code className="font-mono text-xs">{machine.instance_id}</code>
          </span>
        </span>
        <RowArrow />
      </Link>
    </li>
  );
}

/** One that never beat counts as online to the lists, because it is not stale; to a person it is not. */
function StatePill({ machine }: { machine: PersonMachine }) {
  if (machine.archived_at !== null) return <Pill tone="quiet">Archived</Pill>;
  if (machine.last_seen === null) return <Pill tone="quiet">Never heard</Pill>;
  return machine.online ? <Pill tone="ok">Online</Pill> : <Pill tone="bad">Offline</Pill>;
}

function WhyOffline({ userId, instanceId }: { userId: number; instanceId: string }) {
  const { data, error } = useQuery({ ...inspectionQuery(userId, instanceId), refetchInterval: false });
  if (error !== null) return <>its object does not answer</>;
  if (!data) return <>asking it why…</>;
  const { title, since } = explainMachine(data);
  return (
    <span data-testid="why-offline" className="text-ink">
      {title}
      {since !== null && (
        <>
          , <RelativeTime at={since} />
        </>
      )}
    </span>
  );
}
