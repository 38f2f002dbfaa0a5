/** What the console knows about the fleet between two events. */
import type { FleetEvent, Machine, Overview } from "../api/live-types";

export type RestartPhase = "sending" | "requested" | "delivered" | "restarting" | "restarted" | "failed" | "expired";

export interface RestartState {
  phase: RestartPhase;
  commandId: string | null;
  startedAtMs: number;
  finishedAtMs: number | null;
  /** What the daemon or the server said about it. */
  text: string | null;
}

export interface MachineEntry {
  machine: Machine;
  /** Set while the machine's link is down and the server has not given it up yet. */
  linkDownAt: string | null;
  restart: RestartState | null;
  /** When this entry was last changed by something received, on the console's clock. */
  touchedAtMs: number;
  /** The newest server instant that changed its state; older ones are ignored. */
  stateAt: string | null;
  /** Grows with every visible change, so that a card can show that it changed. */
  flash: number;
}

export interface FleetTransition {
  seq: number;
  instanceId: string;
  kind: "online" | "offline" | "added" | "removed";
  name: string;
}

export interface FleetState {
  entries: Record<string, MachineEntry>;
  overview: Overview | null;
  lastEventId: number | null;
  /** Removed machines and when we learnt of it; an answer asked for earlier must not bring them back. */
  removed: Record<string, number>;
  /** The last few comings and goings, for the announcer. */
  transitions: FleetTransition[];
  /** Grows when the state must be read afresh from the API. */
  resyncSeq: number;
  loaded: boolean;
}

export type FleetAction =
  | { kind: "event"; id: number | null; event: FleetEvent; receivedAtMs: number }
  | { kind: "snapshot"; machines: Machine[]; overview: Overview | null; requestedAtMs: number; receivedAtMs: number }
  | { kind: "restart.sent"; instanceId: string; atMs: number }
  | { kind: "restart.accepted"; instanceId: string; text: string | null }
  | { kind: "restart.refused"; instanceId: string; text: string; atMs: number }
  | { kind: "removed"; instanceId: string; atMs: number };
