import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowLeft, RotateCw } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { asApiError } from "../api/errors";
import type { MachineDetail } from "../api/live-types";
import { nameOf } from "../fleet/fleet.reducer";
import type { MachineEntry } from "../fleet/fleet.types";
import { LiveIndicator } from "../fleet/live-indicator";
import { linkText, MemoryBar, StatusReason } from "../fleet/machine-card";
import { machineStatus } from "../fleet/machine-status";
import { RemoveMachineDialog } from "../fleet/remove-machine-dialog";
import { isRestartFinished } from "../fleet/restart.core";
import { RestartProgress } from "../fleet/restart-progress";
import { StatusPill } from "../fleet/status-pill";
import { useFleet, useRestartGateway } from "../fleet/use-fleet";
import { formatDuration, humanise } from "../lib/format";
import { usePageTitle } from "../lib/use-page-title";
import { ParkedNotice } from "../plan/parked-notice";
import { Button, buttonClass } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { CommandList } from "./command-list";
import { HistoryList } from "./history-list";
import { MachineBots } from "./machine-bots";
import { machineQuery } from "./machine-query";
import { MachineSkills } from "./machine-skills";
import { ProcessTable } from "./process-table";
import { Samples } from "./samples";
import { Section } from "./section";

/** Everything about one machine. Its state comes from the live fleet, its past from the detail answer. */
export function MachinePage() {
  const { instanceId } = useParams({ from: "/signed-in/console/fleet/$instanceId" });
  const fleet = useFleet();
  const detail = useQuery(machineQuery(instanceId));
  const entry = fleet.data?.entries[instanceId];
  usePageTitle(entry ? nameOf(entry.machine) : "Machine");
  useFreshDetail(instanceId, entry);

  const isGone = fleet.data !== undefined && !entry && (instanceId in fleet.data.removed || asStatus(detail.error) === 404 || asStatus(detail.error) === 410);
  return (
    <div className="grid grid-cols-1 gap-6">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <Link to="/fleet" className="inline-flex items-center gap-1.5 rounded-sm text-sm font-medium text-muted hover:text-ink">
          <ArrowLeft aria-hidden className="size-4" /> Fleet
        </Link>
        <LiveIndicator />
      </div>
      {isGone ? (
        <Gone />
      ) : entry ? (
        <Machine entry={entry} detail={detail.data ?? null} error={detail.error} />
      ) : detail.error ? (
        <ErrorNotice error={detail.error} action={<Button size="sm" onClick={() => void detail.refetch()}>Try again</Button>} />
      ) : (
        <MachineSkeleton />
      )}
    </div>
  );
}

function asStatus(error: unknown): number | null {
  return error ? asApiError(error).status : null;
}

/** Reads the history again when something visible happened to the machine, a moment later so that a burst costs one request. */
function useFreshDetail(instanceId: string, entry: MachineEntry | undefined): void {
  const client = useQueryClient();
  const version = `${entry?.flash}:${entry?.restart?.phase}:${entry?.machine.pendingCommands}`;
  const readVersion = useRef(version);
  useEffect(() => {
    if (readVersion.current === version) return;
    readVersion.current = version;
    const timer = setTimeout(() => void client.invalidateQueries({ queryKey: ["machine", instanceId] }), 400);
    return () => clearTimeout(timer);
  }, [client, instanceId, version]);
}

function Gone() {
  return (
    <div className="grid justify-items-start gap-4 py-10">
      <div>
        <h1 className="text-2xl font-semibold tracking-tight">This machine is gone</h1>
        <p className="mt-1.5 text-muted">It was removed from the fleet, or it never belonged to it.</p>
      </div>
      <Link to="/fleet" className={buttonClass("primary")}>
        Back to the fleet
      </Link>
    </div>
  );
}

interface MachineProps {
  entry: MachineEntry;
  detail: MachineDetail | null;
  error: unknown;
}

function Machine({ entry, detail, error }: MachineProps) {
  const { machine, restart } = entry;
  const navigate = useNavigate();
  const restartGateway = useRestartGateway();
  const [isRemoving, setRemoving] = useState(false);
  const status = machineStatus(entry);
  const botNames = useMemo(() => new Map(machine.bots.map((bot) => [bot.botId, bot.botName ?? "Bot"])), [machine.bots]);
  return (
    <article
      data-testid="machine-detail"
      data-instance-id={machine.instanceId}
      data-status={status}
      data-gateway-status={machine.gatewayStatus}
      data-gateway-pid={machine.gatewayPid ?? ""}
      className="grid grid-cols-1 gap-8"
    >
      <header className="grid gap-4">
        <div>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <h1 className="text-2xl font-semibold tracking-tight [overflow-wrap:anywhere]">{nameOf(machine)}</h1>
            <StatusPill status={status} />
          </div>
          {status !== "online" && (
            <p className="mt-1 text-sm text-muted">
              <StatusReason entry={entry} />
            </p>
          )}
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <Button
            data-testid="restart-gateway"
            disabled={restart !== null && !isRestartFinished(restart)}
            onClick={() => restartGateway(machine.instanceId)}
          >
            <RotateCw aria-hidden className="size-4" /> Restart gateway
          </Button>
          {machine.provisionStatus === null ? (
            <Button variant="ghost" onClick={() => setRemoving(true)}>
              Remove machine
            </Button>
          ) : (
            <Link to="/cloud/$instanceId" params={{ instanceId: machine.instanceId }} className={buttonClass("ghost")}>
              Cloud machine
            </Link>
          )}
          <div className="min-w-40 flex-1">
            <RestartProgress restart={restart} pendingCommands={machine.pendingCommands} />
          </div>
        </div>
      </header>
      <ParkedNotice instanceId={machine.instanceId} />
      {error !== null && detail === null && <ErrorNotice error={error} />}
      <div className="grid grid-cols-1 items-start gap-x-10 gap-y-8 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="grid grid-cols-1 gap-8">
          <Samples machine={machine} samples={detail?.samples ?? null} />
          <MachineBots bots={machine.bots} />
          <ProcessTable processes={machine.watched} />
          <MachineSkills instanceId={machine.instanceId} />
          <CommandList instanceId={machine.instanceId} />
          <HistoryList events={detail?.events ?? null} botNames={botNames} />
        </div>
        <Facts entry={entry} detail={detail} />
      </div>
      <RemoveMachineDialog
        entry={isRemoving ? entry : null}
        onClose={() => setRemoving(false)}
        onRemoved={() => void navigate({ to: "/fleet" })}
      />
    </article>
  );
}

function Facts({ entry, detail }: { entry: MachineEntry; detail: MachineDetail | null }) {
  const { machine } = entry;
  const pid = machine.gatewayPid === null ? "" : `, pid ${machine.gatewayPid}`;
  return (
    <Section title="Facts" className="lg:sticky lg:top-20 lg:order-last">
      <dl className="rounded-xl border border-line bg-surface px-4 py-1 text-[0.8125rem] shadow-card">
        <Fact label="Instance">
          <code className="font-mono text-xs">{machine.instanceId}</code>
        </Fact>
        <Fact label="Host">{machine.hostname ?? "–"}</Fact>
        <Fact label="System">{[machine.os, machine.arch].filter(Boolean).join(" ") || "–"}</Fact>
        <Fact label="Processors">{machine.cpuCount ?? "–"}</Fact>
        <Fact label="Load">{machine.load1?.toFixed(2) ?? "–"}</Fact>
        <Fact label="Uptime">{machine.reachable ? formatDuration(machine.uptimeSeconds) : "–"}</Fact>
        <Fact label="Gateway">
          {humanise(machine.gatewayStatus)}
          {machine.gatewayStatus === "running" ? pid : ""}
        </Fact>
        <Fact label="Last restart">
          <RelativeTime at={detail?.lastGatewayRestart} />
        </Fact>
        <Fact label="Link">{linkText(entry)}</Fact>
        <Fact label="Heartbeat">
          <RelativeTime at={machine.lastHeartbeat} />
        </Fact>
        <Fact label="CLI">{machine.cliVersion ?? "–"}</Fact>
        <Fact label="Plugin">{machine.pluginVersion ?? "–"}</Fact>
        <Fact label="Bots">{machine.bots.length}</Fact>
        {machine.reachable && machine.memTotalMb !== null && (
          <div className="border-t border-line pb-3">
            <MemoryBar freeMb={machine.memFreeMb} totalMb={machine.memTotalMb} />
          </div>
        )}
      </dl>
    </Section>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4 border-t border-line py-2 first:border-t-0">
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0 text-right [overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}

function MachineSkeleton() {
  return (
    <div role="status" className="grid gap-6">
      <span className="sr-only">Loading the machine</span>
      <Skeleton className="h-8 w-56" />
      <Skeleton className="h-9 w-72" />
      <Skeleton className="h-64 w-full rounded-xl" />
    </div>
  );
}
