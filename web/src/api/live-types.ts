/** Names for generated shapes, and the events of the dashboard stream, which OpenAPI cannot describe (docs/design/live-wire.md §4). */
import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type Overview = Schemas["OverviewResponse"];
export type CommandStatus = Schemas["CommandStatusResponse"];

export type WatchedProcess = Schemas["WatchedProcess"];
export type Machine = Schemas["MachineListItem"];
export type MachineSample = Schemas["MachineSample"];
export type MachineHistoryEvent = Schemas["MachineHistoryEntry"];
export type MachineDetail = Schemas["MachineDetailResponse"];
export type Health = Schemas["HealthResponse"];

/** How a cloud machine comes to be: events of the dashboard stream, and of the machine's own. */
export type VmEvent =
  | {
      type: "cloud_vm.progress";
      instanceId: string;
      provisionStatus: string;
      step: string;
      percent: number;
      stepPercent: number;
      detail: string | null;
      seq: number;
      at: string;
    }
  | { type: "cloud_vm.settled"; instanceId: string; provisionStatus: string; detail: string | null; seq: number | null; at: string };

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
  | { type: "bot.pairing.change"; instanceId: string; botId: string; pairingPhase: string; failureReason: string | null; at?: string }
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
  | VmEvent
  | { type: "resync" };
