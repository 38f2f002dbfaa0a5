import { Link } from "@tanstack/react-router";
import { Cloud, RotateCw, Trash2 } from "lucide-react";
import { memo, type ReactNode } from "react";
import { countOf, formatDuration, formatMegabytes, humanise } from "../lib/format";
import { Button, IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { RelativeTime } from "../ui/relative-time";
import type { MachineEntry } from "./fleet.types";
import { nameOf } from "./fleet.reducer";
import { machineStatus, offlineReasonText } from "./machine-status";
import { isRestartFinished } from "./restart.core";
import { RestartProgress } from "./restart-progress";
import { ProcessDot, StatusPill } from "./status-pill";

interface MachineCardProps {
  entry: MachineEntry;
  onRestart: (instanceId: string) => void;
  onRemove: (instanceId: string) => void;
}

/** One machine. Rendered again only when its own entry changes. */
export const MachineCard = memo(function MachineCard({ entry, onRestart, onRemove }: MachineCardProps) {
  const { machine, restart } = entry;
  const status = machineStatus(entry);
  const isOffline = status === "offline";
  const name = nameOf(machine);
  return (
    <article
      data-testid="machine-card"
      data-instance-id={machine.instanceId}
      data-status={status}
      data-gateway-status={machine.gatewayStatus}
      data-gateway-pid={machine.gatewayPid ?? ""}
      aria-label={name}
      className={cx(
        "lazy-paint relative isolate flex flex-col rounded-xl border border-line p-4 transition-colors",
        isOffline ? "bg-transparent" : "bg-surface shadow-card",
      )}
    >
      {entry.flash > 0 && <span key={entry.flash} aria-hidden className="pointer-events-none absolute inset-0 -z-10 animate-flash rounded-xl bg-info-soft/80" />}
      <header className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <h2 className="truncate text-[0.9375rem] font-semibold tracking-tight">
            <Link
              to="/fleet/$instanceId"
              params={{ instanceId: machine.instanceId }}
              className="rounded-sm decoration-line-strong underline-offset-4 hover:underline"
            >
              {name}
            </Link>
          </h2>
          <p className="truncate text-[0.8125rem] text-muted" title={describePlace(entry)}>
            {status === "online" ? describePlace(entry) : <StatusReason entry={entry} />}
          </p>
        </div>
        <StatusPill status={status} />
      </header>

      <dl className={cx("mt-3 grid grid-cols-2 gap-x-5 text-[0.8125rem]", isOffline && "text-muted")}>
        <Fact label="Gateway">
          <GatewayText entry={entry} />
        </Fact>
        <Fact label="Link">{linkText(entry)}</Fact>
        <Fact label="Heartbeat">
          <RelativeTime at={machine.lastHeartbeat} />
        </Fact>
        <Fact label="Uptime">{isOffline ? "–" : formatDuration(machine.uptimeSeconds)}</Fact>
        <Fact label="CLI">{machine.cliVersion ?? machine.version ?? "–"}</Fact>
        <Fact label="Load">
          {machine.load1 === null || isOffline ? "–" : `${machine.load1.toFixed(2)}${machine.cpuCount ? ` of ${machine.cpuCount}` : ""}`}
        </Fact>
      </dl>

      <MemoryBar freeMb={isOffline ? null : machine.memFreeMb} totalMb={machine.memTotalMb} />

      {machine.watched.length > 0 && (
        <ul aria-label="Watched processes" className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-[0.8125rem]">
          {machine.watched.map((process) => (
            <li key={process.name} className="inline-flex items-center gap-1.5">
              <ProcessDot status={isOffline ? "unknown" : process.status} />
              <span className={cx(isOffline && "text-muted")}>{process.name}</span>
              <span className="text-muted">{isOffline ? "" : processText(process.status, process.restarts)}</span>
            </li>
          ))}
        </ul>
      )}

      <footer className="mt-auto pt-4">
        <div className="flex items-center gap-3">
          <Button
            data-testid="restart-gateway"
            size="sm"
            aria-label={`Restart gateway on ${name}`}
            disabled={restart !== null && !isRestartFinished(restart)}
            onClick={() => onRestart(machine.instanceId)}
          >
            <RotateCw aria-hidden className="size-3.5" />
            Restart gateway
          </Button>
          <RestartProgress restart={restart} pendingCommands={machine.pendingCommands} />
          {machine.provisionStatus === null ? (
            <IconButton label={`Remove ${name}`} className="-mr-1.5 size-8 [&_svg]:size-4" onClick={() => onRemove(machine.instanceId)}>
              <Trash2 aria-hidden />
            </IconButton>
          ) : (
            <IconButton asChild label={`${name} among the cloud machines`} className="-mr-1.5 size-8 [&_svg]:size-4">
              <Link to="/cloud/$instanceId" params={{ instanceId: machine.instanceId }}>
                <Cloud aria-hidden />
              </Link>
            </IconButton>
          )}
        </div>
      </footer>
    </article>
  );
});

const GATEWAY_SENTENCE: Record<string, string> = {
  crashed: "its gateway has crashed",
  unknown: "says nothing of its gateway",
  not_installed: "no gateway is installed",
};

/** Why it is not simply online. */
export function StatusReason({ entry }: { entry: MachineEntry }) {
  const { machine, linkDownAt } = entry;
  switch (machineStatus(entry)) {
    case "offline": {
      const reason = offlineReasonText(machine.offlineReason);
      if (machine.provisionStatus === "destroying") return <>Cloud machine, being destroyed</>;
      if (machine.provisionStatus === "failed" && !machine.lastHeartbeat) return <>Cloud machine that could not be made</>;
      if (machine.provisionStatus !== null && machine.provisionStatus !== "online" && machine.provisionStatus !== "failed") return <>Cloud machine, {machine.provisionPercent ?? 0} % made</>;
      if (machine.lastHeartbeat === null || machine.lastHeartbeat === undefined) return <>Registered, but never heard from</>;
      return (
        <>
          Offline for <RelativeTime at={machine.offlineSince ?? machine.lastHeartbeat} form="span" />
          {reason && `: ${reason}`}
        </>
      );
    }
    case "link-down":
      return (
        <span className="text-warn">
          Link down for <RelativeTime at={linkDownAt} form="span" />, waiting
        </span>
      );
    case "reachable":
      return <>It answers, but {GATEWAY_SENTENCE[machine.gatewayStatus] ?? `its gateway is ${humanise(machine.gatewayStatus)}`}</>;
    case "online":
      return null;
  }
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-2 border-t border-line/70 py-1">
      <dt className="text-muted">{label}</dt>
      <dd className="truncate text-right">{children}</dd>
    </div>
  );
}

function GatewayText({ entry: { machine } }: { entry: MachineEntry }) {
  if (!machine.reachable) return "–";
  const tone = { running: "", crashed: "text-bad", restarting: "text-warn" }[machine.gatewayStatus] ?? "text-muted";
  return (
    <span className={tone}>
      {machine.gatewayStatus === "running" && machine.gatewayPid !== null ? `pid ${machine.gatewayPid}` : humanise(machine.gatewayStatus)}
    </span>
  );
}

const LINK_TEXT = { socket: "socket", sse: "stream", none: "beats" } as const;

/** How it talks to us, and for how long it has done so without a break. */
export function linkText({ machine, linkDownAt }: MachineEntry): ReactNode {
  if (!machine.reachable) return "–";
  if (linkDownAt !== null) return "down";
  if (machine.link === "none" || machine.linkSince === null) return LINK_TEXT[machine.link];
  return (
    <>
      {LINK_TEXT[machine.link]}, <RelativeTime at={machine.linkSince} form="span" />
    </>
  );
}

function describePlace({ machine }: MachineEntry): string {
  const system = [machine.os, machine.arch].filter(Boolean).join(" ");
  const alias = [machine.hostname, machine.instanceId].find((name) => name && name !== nameOf(machine));
  return [alias, system].filter(Boolean).join(" · ") || machine.instanceId;
}

function processText(status: string, restarts: number): string {
  const words = status === "running" ? [] : [humanise(status)];
  if (restarts > 0) words.push(countOf(restarts, "restart"));
  return words.join(", ");
}

/** Used memory; above nine tenths it is worth a look. Unknown keeps its place, so that cards do not change height. */
export function MemoryBar({ freeMb, totalMb }: { freeMb: number | null; totalMb: number | null }) {
  if (freeMb === null || totalMb === null || totalMb <= 0) {
    return (
      <div className="mt-2.5 grid gap-1.5 text-[0.8125rem] text-muted">
        <div className="flex justify-between gap-2">
          <span>Memory</span>
          <span>–</span>
        </div>
        <div aria-hidden className="h-1.5 rounded-full bg-sunken" />
      </div>
    );
  }
  const used = Math.min(1, Math.max(0, 1 - freeMb / totalMb));
  return (
    <div className="mt-2.5 grid gap-1.5 text-[0.8125rem]">
      <div className="flex justify-between gap-2">
        <span className="text-muted">Memory</span>
        <span>
          {formatMegabytes(totalMb - freeMb)} <span className="text-muted">of {formatMegabytes(totalMb)}</span>
        </span>
      </div>
      <div
        role="meter"
        aria-label="Memory used"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(used * 100)}
        className="h-1.5 overflow-hidden rounded-full bg-sunken"
      >
        <div
          className={cx("h-full rounded-full transition-[width] duration-500", used > 0.9 ? "bg-warn" : "bg-ink/65")}
          style={{ width: `${used * 100}%` }}
        />
      </div>
    </div>
  );
}
