/** What the live wire adds to the generated shapes: docs/design/live-wire.md §4 and §5. */
import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type Overview = Schemas["OverviewResponse"];
export type CommandStatus = Schemas["CommandStatusResponse"];

type LinkTransport = "socket" | "sse" | "none";

export interface WatchedProcess {
  name: string;
  status: string;
  pid: number | null;
  restarts: number;
  startedAt: string | null;
}

/** The facts that the list and the detail answer share beyond the generated types. */
interface MachineLiveFields {
  label: string | null;
  reachable: boolean;
  link: LinkTransport;
  linkSince: string | null;
  memFreeMb: number | null;
  memTotalMb: number | null;
  load1: number | null;
  cpuCount: number | null;
  uptimeSeconds: number | null;
  gatewayPid: number | null;
  version: string | null;
  offlineReason: string | null;
  offlineSince: string | null;
  pendingCommands: number;
  watched: WatchedProcess[];
}

export type Machine = Schemas["MachineListItem"] & MachineLiveFields;

export interface MachineSample {
  at: string;
  memFreeMb: number | null;
  load1: number | null;
}

export interface MachineHistoryEvent {
  id: string | number;
  type: string;
  at: string;
  data: Record<string, unknown> | null;
}

export type MachineDetail = Schemas["MachineDetailResponse"] &
  MachineLiveFields & { samples: MachineSample[]; events: MachineHistoryEvent[] };

export type Health = Schemas["HealthResponse"] & { environment?: string };

/** One event of `GET /api/v1/dashboard/events`. Types that this console does not know are ignored, so the union stays open. */
export type FleetEvent =
  | { type: "heartbeat.update"; overview?: Overview; instanceId?: string; machine?: Machine; machines?: Machine[] }
  | { type: "machine.link"; instanceId: string; link: "up" | "down"; transport: "socket" | "sse"; at: string }
  | {
      type: "machine.online" | "machine.offline";
      instanceId: string;
      at: string;
      reason?: string;
      overview?: Overview;
      machine?: Machine;
    }
  | { type: "machine.removed"; instanceId: string; at: string }
  | { type: "bot.status.change"; instanceId: string; botId: string; status: string; previousStatus?: string; at: string }
  | {
      type: "gateway.status.change";
      instanceId: string;
      gatewayStatus: string;
      previousStatus?: string;
      gatewayPid?: number | null;
      at: string;
    }
  | {
      type: "gateway.restart.requested" | "gateway.restart.completed";
      instanceId: string;
      commandId: string;
      at: string;
    }
  | { type: "command.update"; instanceId: string; command: CommandStatus; machine?: Machine; at: string }
  | { type: "resync" };

/** Accepts an answer of a server that does not send every live field yet, and fills the gaps with what they imply. */
export function readMachine<T extends Schemas["MachineListItem"] | Schemas["MachineDetailResponse"]>(
  raw: T & Partial<MachineLiveFields>,
): T & MachineLiveFields {
  return {
    ...raw,
    label: raw.label ?? null,
    reachable: raw.reachable ?? raw.isOnline,
    link: raw.link ?? "none",
    linkSince: raw.linkSince ?? null,
    memFreeMb: raw.memFreeMb ?? null,
    memTotalMb: raw.memTotalMb ?? null,
    load1: raw.load1 ?? null,
    cpuCount: raw.cpuCount ?? null,
    uptimeSeconds: raw.uptimeSeconds ?? null,
    gatewayPid: raw.gatewayPid ?? null,
    version: raw.version ?? null,
    offlineReason: raw.offlineReason ?? null,
    offlineSince: raw.offlineSince ?? null,
    pendingCommands: raw.pendingCommands ?? 0,
    watched: raw.watched ?? [],
  };
}
