import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type InstanceResponse = Schemas["InstanceResponse"];
export type RegisterBody = Schemas["RegisterInstanceRequest"];
export type CommandView = Pick<Schemas["CommandStatusResponse"], "id" | "commandType" | "status"> & { readonly result?: string | null };
export type CliAuthStart = Schemas["CliAuthStartResponse"];
export type GatewayRestartView = Pick<Schemas["GatewayRestartResponse"], "ok" | "message"> & { readonly commandId?: string };

/** What a watched process is doing (live-wire §6). */
export type WatchedStatus = "running" | "stopped" | "crashed" | "restarting" | "not_found";
export type GatewayStatus = "running" | "stopped" | "crashed" | "restarting" | "not_installed" | "unknown";

/** A watched process as a beat tells of it. Type aliases, because the wire's types allow further keys. */
export type WatchedWire = {
  readonly name: string;
  readonly status: WatchedStatus;
  readonly pid: number | null;
  readonly restarts: number;
  readonly started_at: string | null;
};

/** A bot as a beat tells of it. Type alias, because the wire's types allow further keys. */
export type BotBeat = {
  readonly bot_id: string;
  readonly status: "running" | "stopped" | "error";
  readonly activity_state: string;
  readonly errors: number;
  readonly last_error: string | null;
  readonly last_error_at: string | null;
  readonly uptime_seconds: number;
  readonly skill_count?: number;
  readonly skills?: unknown[];
};

/** How a governed machine keeps to its contract, as a beat tells it. Type alias, because the wire's types allow further keys. */
export type GovernanceBeat = {
  readonly contract_id: string;
  readonly revision: number;
  readonly awareness_version: string | null;
  readonly enforcing: string[];
  readonly violations: Array<{ readonly id: string; readonly kind: string; readonly subject: string; readonly at: string }>;
};

/** Which contract the server has for this machine. */
export interface ContractRef {
  readonly id: string;
  readonly revision: number;
}

/** A heartbeat without its instance id, which the socket URL or the HTTP body adds (live-wire §6). */
export type Beat = {
  readonly hostname: string;
  readonly os: string;
  readonly arch: string;
  readonly cli_version: string;
  readonly mem_free_mb: number;
  readonly mem_total_mb: number;
  readonly load1: number;
  readonly cpu_count: number;
  readonly uptime_seconds: number;
  readonly gateway_status: GatewayStatus;
  readonly gateway_pid: number | null;
  readonly last_gateway_restart: string | null;
  readonly capabilities: Record<string, unknown>;
  readonly watched: WatchedWire[];
  readonly bots: BotBeat[];
  readonly daemon: { readonly version: string; readonly pid: number; readonly started_at: string };
  /** Of governed machines only. */
  readonly governance?: GovernanceBeat;
};

/** What the heartbeat endpoint takes; a beat must stay assignable to it. */
export type HeartbeatBody = Schemas["HeartbeatPayload"];

/** A row of the fleet table: what every server sends, and the fields of live-wire §5 that older ones lack. */
export type Machine = Pick<Schemas["MachineListItem"], "instanceId" | "isOnline" | "gatewayStatus"> & {
  readonly hostname?: string | null;
  readonly cliVersion?: string | null;
  readonly lastHeartbeat?: string | null;
  readonly label?: string | null;
  readonly reachable?: boolean;
  readonly link?: string;
  readonly memFreeMb?: number | null;
  readonly memTotalMb?: number | null;
  readonly load1?: number | null;
  readonly gatewayPid?: number | null;
  readonly version?: string | null;
  readonly offlineReason?: string | null;
  readonly watched?: ReadonlyArray<{ readonly name: string; readonly status: string }>;
};
