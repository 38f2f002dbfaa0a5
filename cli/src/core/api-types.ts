import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type InstanceResponse = Schemas["InstanceResponse"];
export type RegisterBody = Schemas["RegisterInstanceRequest"];
export type CommandView = Schemas["CommandStatusResponse"];
export type CliAuthStart = Schemas["CliAuthStartResponse"];
export type GatewayRestartView = Schemas["GatewayRestartResponse"];

/** What a watched process is doing (live-wire §6). */
export type WatchedStatus = "running" | "stopped" | "crashed" | "restarting" | "not_found";
export type GatewayStatus = "running" | "stopped" | "crashed" | "restarting" | "not_installed" | "unknown";

export interface WatchedWire {
  readonly name: string;
  readonly status: WatchedStatus;
  readonly pid: number | null;
  readonly restarts: number;
  readonly started_at: string | null;
}

interface BeatAdded {
  readonly gateway_status: GatewayStatus;
  readonly mem_total_mb: number;
  readonly load1: number;
  readonly cpu_count: number;
  readonly watched: readonly WatchedWire[];
  readonly daemon: { readonly version: string; readonly pid: number; readonly started_at: string };
}

/** A heartbeat without its instance id, which the socket URL or the HTTP body adds. */
export type Beat = Omit<Schemas["HeartbeatPayload"], keyof BeatAdded | "instance_id"> & BeatAdded;

interface MachineAdded {
  readonly label?: string | null;
  readonly reachable?: boolean;
  readonly link?: string;
  readonly linkSince?: string | null;
  readonly memFreeMb?: number | null;
  readonly memTotalMb?: number | null;
  readonly load1?: number | null;
  readonly gatewayPid?: number | null;
  readonly version?: string | null;
  readonly offlineReason?: string | null;
  readonly offlineSince?: string | null;
  readonly pendingCommands?: number;
  readonly watched?: ReadonlyArray<{ readonly name: string; readonly status: string; readonly pid?: number | null; readonly restarts?: number }>;
}

/** A row of the fleet table, with the fields of live-wire §5 whether or not the server sends them yet. */
export type Machine = Omit<Schemas["MachineListItem"], keyof MachineAdded> & MachineAdded;
