import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useState, type ReactNode } from "react";
import type { MachineEntry } from "../fleet/fleet.types";
import { formatDay } from "../lib/format";
import { usePageTitle } from "../lib/use-page-title";
import { Section } from "../machine/section";
import { Button, buttonClass } from "../ui/button";
import { cx } from "../ui/cx";
import { Notice } from "../ui/notice";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { describePayer, describeSize, isInFlight, progressOf, stateOf } from "./cloud.core";
import { addonsQuery, useCloudVms, useVmWay } from "./cloud-query";
import type { CloudVm } from "./cloud.types";
import { DestroyVmDialog } from "./destroy-vm-dialog";
import { LLM_PROVIDERS } from "./new-vm.core";
import { wayFromList } from "./steps.core";
import { VmActions } from "./vm-actions";
import { VmPill } from "./vm-pill";
import { VmProblem } from "./vm-problem";
import { VmSteps } from "./vm-steps";

/** One cloud machine: how it comes to be, what pays for it, what can be done with it. */
export function VmPage() {
  const { instanceId } = useParams({ from: "/signed-in/console/cloud/$instanceId" });
  const { list, entries } = useCloudVms();
  const vm = list.data?.cloud_vms.find(({ instance_id }) => instance_id === instanceId);
  usePageTitle(vm?.name ?? "Cloud machine");
  return (
    <div data-testid="vm-page" className="mx-auto grid max-w-3xl grid-cols-1 gap-6">
      <Link to="/cloud" className="inline-flex items-center gap-1.5 justify-self-start rounded-sm text-sm text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" /> Cloud machines
      </Link>
      {vm ? (
        <Vm key={instanceId} vm={vm} entry={entries?.[instanceId]} />
      ) : list.error !== null ? (
        <VmProblem
          error={list.error}
          act="read"
          action={
            <Button size="sm" busy={list.isFetching} onClick={() => void list.refetch()}>
              Try again
            </Button>
          }
        />
      ) : list.data ? (
        <Notice tone="info">
          <span data-testid="vm-gone">There is no such cloud machine, or it was destroyed.</span>
        </Notice>
      ) : (
        <div role="status" className="grid gap-3">
          <span className="sr-only">Loading the machine</span>
          <Skeleton className="h-8 w-48" />
          <Skeleton className="h-64 rounded-xl" />
        </div>
      )}
    </div>
  );
}

function Vm({ vm, entry }: { vm: CloudVm; entry: MachineEntry | undefined }) {
  const addons = useQuery(addonsQuery);
  const navigate = useNavigate();
  const [isDestroying, setDestroying] = useState(false);
  const known = progressOf(vm, entry);
  const isMoving = isInFlight(stateOf(known.status, null)) || known.status === "destroying";
  const { way, connection } = useVmWay(vm.instance_id, isMoving);
  // Its own stream is newest while it moves; after that the list and the fleet are.
  const shown = way !== null && isMoving ? way : { ...wayFromList(vm), ...known };
  const state = stateOf(shown.status, entry ? entry.machine.reachable : null);
  const payer = describePayer(vm, addons.data);
  return (
    <>
      <header className="grid gap-2">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="text-2xl font-semibold tracking-tight [overflow-wrap:anywhere]">{vm.name}</h1>
          <VmPill state={state} />
        </div>
        <p className="text-muted">{describeSize(vm)}</p>
      </header>
      {payer.isEnding && <Notice tone="warn">{payer.text}.</Notice>}
      {state === "online" && (
        <Notice
          tone="ok"
          action={
            <Link to="/fleet/$instanceId" params={{ instanceId: vm.instance_id }} className={buttonClass("secondary", "sm")}>
              Open in the fleet
            </Link>
          }
        >
          It beats, and is a machine of your fleet like any other.
        </Notice>
      )}
      {state === "silent" && <Notice tone="warn">It is up, but its daemon does not beat. After five minutes we look at it ourselves; you can restart it now.</Notice>}
      {state === "destroying" ? (
        <Notice tone="info">{shown.detail ?? "Being destroyed"}. The provider is asked until nothing is left.</Notice>
      ) : (
        (isInFlight(state) || state === "failed") && (
          <Section
            title={state === "failed" ? "Where it failed" : "Coming to be"}
            aside={
              <span className="text-[0.8125rem] text-muted">
                {connection === "reconnecting" || connection === "offline" ? "Reconnecting… last known " : ""}
                <span data-testid="vm-percent" className="font-medium text-ink">
                  {shown.percent} %
                </span>
              </span>
            }
          >
            <div className="rounded-xl border border-line bg-surface p-4 shadow-card sm:p-5">
              <VmSteps way={shown} />
            </div>
          </Section>
        )
      )}
      <VmActions vm={vm} state={state} onDestroy={() => setDestroying(true)} />
      <Section title="Facts">
        <dl className="grid gap-x-8 rounded-xl border border-line bg-surface px-4 py-2 text-[0.8125rem] shadow-card sm:grid-cols-2 sm:px-5">
          <Fact label="Paid by">{payer.text}</Fact>
          <Fact label="Ordered">
            <RelativeTime at={vm.created_at} />, {formatDay(vm.created_at)}
          </Fact>
          <Fact label="Model">{vm.llm_provider === null ? "None: no key was given" : `${LLM_PROVIDERS.find(({ value }) => value === vm.llm_provider)?.label ?? vm.llm_provider}, key sealed`}</Fact>
          <Fact label="Provider">{vm.driver}</Fact>
          <Fact label="Machine">
            <code className="font-mono text-xs">{vm.instance_id}</code>
          </Fact>
          <Fact label="At the provider">{vm.orgo_computer_id ? <code className="font-mono text-xs">{vm.orgo_computer_id}</code> : "Not known yet"}</Fact>
          {vm.last_error !== null && (
            <Fact label="Last trouble" isWide>
              {vm.last_error}
              {vm.last_error_at !== null && (
                <>
                  {" "}
                  (<RelativeTime at={vm.last_error_at} />)
                </>
              )}
            </Fact>
          )}
        </dl>
      </Section>
      <DestroyVmDialog vm={vm} isOpen={isDestroying} onClose={() => setDestroying(false)} onDestroyed={() => void navigate({ to: "/cloud" })} />
    </>
  );
}

function Fact({ label, isWide = false, children }: { label: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div className={cx("flex justify-between gap-4 border-t border-line/70 py-1.5 first:border-t-0", isWide ? "sm:col-span-2" : "sm:[&:nth-child(2)]:border-t-0")}>
      <dt className="shrink-0 text-muted">{label}</dt>
      <dd className="min-w-0 text-right [overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}
