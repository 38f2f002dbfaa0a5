/** `reduceFleet(state, action)`: pure, tolerant of repeated, late and unknown events. */
import type { FleetEvent, Machine, Overview } from "../api/live-types";
import type { FleetAction, FleetState, FleetTransition, MachineEntry, RestartPhase } from "./fleet.types";
import { nextRestart, noteGatewayForRestart } from "./restart.core";

const TRANSITIONS_KEPT = 20;

/** What the state of a restart command says about the restart. */
const RESTART_PHASE: Record<string, RestartPhase> = {
  pending: "requested",
  acknowledged: "delivered",
  success: "restarted",
  failed: "failed",
  cancelled: "failed",
  expired: "expired",
};

export const EMPTY_FLEET: FleetState = {
  entries: {},
  overview: null,
  lastEventId: null,
  removed: {},
  transitions: [],
  resyncSeq: 0,
  loaded: false,
};

export function reduceFleet(state: FleetState, action: FleetAction): FleetState {
  switch (action.kind) {
    case "event":
      return reduceEvent(state, action.event, action.id, action.receivedAtMs);
    case "snapshot":
      return applySnapshot(state, action.machines, action.overview, action.requestedAtMs, action.receivedAtMs);
    case "restart.sent":
      return patchEntry(state, action.instanceId, (entry) => ({
        ...entry,
        restart: { phase: "sending", commandId: null, startedAtMs: action.atMs, finishedAtMs: null, text: null },
      }));
    case "restart.accepted":
      return patchEntry(state, action.instanceId, (entry) =>
        entry.restart?.phase === "sending"
          ? { ...entry, restart: { ...entry.restart, phase: "requested", text: action.text } }
          : entry,
      );
    case "restart.refused":
      return patchEntry(state, action.instanceId, (entry) => ({
        ...entry,
        restart: {
          phase: "failed",
          commandId: null,
          startedAtMs: entry.restart?.startedAtMs ?? action.atMs,
          finishedAtMs: action.atMs,
          text: action.text,
        },
      }));
    case "removed":
      return removeEntry(state, action.instanceId, action.atMs);
  }
}

/** Several actions as one, for a burst that should cost one render. */
export function reduceAll(state: FleetState, actions: readonly FleetAction[]): FleetState {
  return actions.reduce(reduceFleet, state);
}

function reduceEvent(state: FleetState, event: FleetEvent, id: number | null, nowMs: number): FleetState {
  if (event.type === "heartbeat.update" && event.machines) {
    const fresh = applySnapshot(state, event.machines, event.overview ?? null, nowMs, nowMs);
    // The whole fleet is the truth even if its number is lower: the server's log may have started again. Zero is an empty log.
    return id === null ? fresh : { ...fresh, lastEventId: id === 0 ? null : id };
  }
  // A beat is not in the log: it carries the number of the newest event, and its own order is that of the heartbeats.
  if (event.type === "heartbeat.update") return applyEvent(state, event, nowMs);
  if (id !== null && state.lastEventId !== null && id <= state.lastEventId) {
    // A replay. Machine state would go backwards; the progress of a command cannot.
    return isCommandEvent(event) ? applyEvent(state, event, nowMs) : state;
  }
  return applyEvent(id === null ? state : { ...state, lastEventId: id }, event, nowMs);
}

function isCommandEvent(event: FleetEvent): boolean {
  return event.type === "command.update" || event.type.startsWith("gateway.restart.");
}

function applyEvent(state: FleetState, event: FleetEvent, nowMs: number): FleetState {
  switch (event.type) {
    case "heartbeat.update": {
      const next = event.overview ? { ...state, overview: event.overview } : state;
      return event.machine ? putMachine(next, event.machine, nowMs) : next;
    }
    case "machine.online":
    case "machine.offline": {
      const online = event.type === "machine.online";
      const counted = event.overview ? { ...state, overview: event.overview } : state;
      if (isLate(counted, event.instanceId, event.at)) return counted;
      const placed = event.machine ? putMachine(counted, event.machine, nowMs) : counted;
      return patchEntry(stampState(placed, event.instanceId, event.at), event.instanceId, (entry) => ({
        ...touch(entry, nowMs, { linkDownAt: null }),
        machine: online
          ? { ...entry.machine, reachable: true, offlineReason: null, offlineSince: null }
          : {
              ...entry.machine,
              reachable: false,
              isOnline: false,
              link: "none",
              offlineReason: event.reason ?? entry.machine.offlineReason,
              offlineSince: event.at,
            },
      }));
    }
    case "machine.link":
      return isLate(state, event.instanceId, event.at)
        ? state
        : patchEntry(stampState(state, event.instanceId, event.at), event.instanceId, (entry) =>
            touch(entry, nowMs, {
              linkDownAt: event.link === "down" ? event.at : null,
              machine:
                event.link === "up"
                  ? { ...entry.machine, reachable: true, link: event.transport, linkSince: event.at }
                  : { ...entry.machine, link: "none", linkSince: null },
            }),
          );
    case "machine.removed":
      return removeEntry(state, event.instanceId, nowMs);
    case "gateway.status.change":
      return patchEntry(state, event.instanceId, (entry) => {
        const gatewayPid = event.gatewayPid === undefined ? entry.machine.gatewayPid : event.gatewayPid;
        const isOnline =
          event.gatewayStatus === "running" ? entry.machine.reachable : entry.machine.isOnline && entry.machine.hasHermes;
        return touch(entry, nowMs, {
          machine: { ...entry.machine, gatewayStatus: event.gatewayStatus, gatewayPid, isOnline },
          restart: noteGatewayForRestart(entry.restart, event.gatewayStatus),
        });
      });
    case "bot.status.change":
      return patchEntry(state, event.instanceId, (entry) => ({
        ...entry,
        touchedAtMs: nowMs,
        machine: {
          ...entry.machine,
          bots: entry.machine.bots.map((bot) => (bot.botId === event.botId ? { ...bot, status: event.status } : bot)),
        },
      }));
    case "bot.pairing.change":
      return notePairing(state, event, nowMs);
    case "gateway.restart.requested":
    case "gateway.restart.completed":
      return patchEntry(state, event.instanceId, (entry) => ({
        ...entry,
        touchedAtMs: nowMs,
        restart: nextRestart(
          entry.restart,
          {
            commandId: event.commandId,
            phase: event.type === "gateway.restart.completed" ? "restarted" : "requested",
            text: null,
          },
          nowMs,
        ),
      }));
    case "command.update": {
      const placed = event.machine ? putMachine(state, event.machine, nowMs) : state;
      return patchEntry(placed, event.instanceId, (entry) => applyCommand(entry, event, nowMs));
    }
    case "resync":
      return { ...state, resyncSeq: state.resyncSeq + 1 };
    default:
      return state;
  }
}

/** A bot that the machine was not known to have means that our list of its bots is old: it is read afresh. */
function notePairing(state: FleetState, { instanceId, botId, pairingPhase, failureReason }: Extract<FleetEvent, { type: "bot.pairing.change" }>, nowMs: number): FleetState {
  const hasEnded = pairingPhase === "closed";
  const known = state.entries[instanceId]?.machine.bots.some((bot) => bot.botId === botId) ?? true;
  if (!known && !hasEnded) return { ...state, resyncSeq: state.resyncSeq + 1 };
  return patchEntry(state, instanceId, (entry) => ({
    ...entry,
    touchedAtMs: nowMs,
    machine: {
      ...entry.machine,
      bots: hasEnded
        ? entry.machine.bots.filter((bot) => bot.botId !== botId)
        : entry.machine.bots.map((bot) => (bot.botId === botId ? { ...bot, pairingPhase, failureReason } : bot)),
    },
  }));
}

function applyCommand(
  entry: MachineEntry,
  event: Extract<FleetEvent, { type: "command.update" }>,
  nowMs: number,
): MachineEntry {
  const { id, commandType, status, result } = event.command;
  const isOpen = status === "pending" || status === "acknowledged";
  // Without a machine in the event the count is a guess that the next beat corrects; it must never grow by repeats.
  const guessed = isOpen ? Math.max(1, entry.machine.pendingCommands) : Math.max(0, entry.machine.pendingCommands - 1);
  const pendingCommands = event.machine ? entry.machine.pendingCommands : guessed;
  const phase = RESTART_PHASE[status];
  return touch(entry, nowMs, {
    machine: { ...entry.machine, pendingCommands },
    restart:
      commandType === "restart_gateway" && phase
        ? nextRestart(entry.restart, { commandId: id, phase, text: result ?? (status === "cancelled" ? "cancelled" : null) }, nowMs)
        : entry.restart,
  });
}

function applySnapshot(
  state: FleetState,
  machines: Machine[],
  overview: Overview | null,
  requestedAtMs: number,
  nowMs: number,
): FleetState {
  const entries: Record<string, MachineEntry> = {};
  for (const [instanceId, entry] of Object.entries(state.entries)) {
    // Heard of after the question was asked: the answer may not know it yet.
    if (entry.touchedAtMs > requestedAtMs) entries[instanceId] = entry;
  }
  const transitions = [...state.transitions];
  for (const machine of machines) {
    const removedAtMs = state.removed[machine.instanceId];
    if (entries[machine.instanceId] || (removedAtMs !== undefined && removedAtMs > requestedAtMs)) continue;
    const known = state.entries[machine.instanceId];
    entries[machine.instanceId] = known ? renewEntry(known, machine, nowMs) : newEntry(machine, nowMs);
    if (state.loaded) transitions.push(...findTransition(state, known, machine, transitions.length));
  }
  return {
    ...state,
    entries,
    overview: overview ?? state.overview,
    loaded: true,
    transitions: keepLast(state, transitions),
  };
}

function putMachine(state: FleetState, machine: Machine, nowMs: number): FleetState {
  const known = state.entries[machine.instanceId];
  if (known && isOlder(machine.lastHeartbeat, known.machine.lastHeartbeat)) return state;
  const entry = known ? renewEntry(known, machine, nowMs) : newEntry(machine, nowMs);
  const transitions = [...state.transitions, ...findTransition(state, known, machine, state.transitions.length)];
  const { [machine.instanceId]: _gone, ...removed } = state.removed;
  return {
    ...state,
    removed,
    entries: { ...state.entries, [machine.instanceId]: entry },
    transitions: keepLast(state, transitions),
  };
}

function newEntry(machine: Machine, nowMs: number): MachineEntry {
  return { machine, linkDownAt: null, restart: null, touchedAtMs: nowMs, stateAt: null, flash: 0 };
}

function renewEntry(known: MachineEntry, machine: Machine, nowMs: number): MachineEntry {
  // A machine that is reachable without a link may still be in the grace that began when the link fell.
  const isStillDown = machine.reachable && machine.link === "none" && !isOlder(known.linkDownAt, machine.lastHeartbeat);
  return touch({ ...known, restart: noteGatewayForRestart(known.restart, machine.gatewayStatus) }, nowMs, {
    machine,
    linkDownAt: isStillDown ? known.linkDownAt : null,
  });
}

/** Applies a change and, when a person could see it, asks the card to show that something happened. */
function touch(entry: MachineEntry, nowMs: number, change: Partial<MachineEntry>): MachineEntry {
  const next = { ...entry, ...change, touchedAtMs: nowMs };
  return visibleFacts(entry) === visibleFacts(next) ? next : { ...next, flash: entry.flash + 1 };
}

function visibleFacts({ machine, linkDownAt }: MachineEntry): string {
  const watched = machine.watched.map((process) => `${process.name}:${process.status}:${process.pid}`).join();
  return [machine.reachable, machine.isOnline, linkDownAt !== null, machine.gatewayStatus, machine.gatewayPid, watched].join("|");
}

function patchEntry(state: FleetState, instanceId: string, change: (entry: MachineEntry) => MachineEntry): FleetState {
  const entry = state.entries[instanceId];
  // News of a machine we have never seen: the list is incomplete, so read it afresh.
  if (!entry) return instanceId in state.removed ? state : { ...state, resyncSeq: state.resyncSeq + 1 };
  const changed = change(entry);
  if (changed === entry) return state;
  const wasReachable = entry.machine.reachable;
  const next = { ...state, entries: { ...state.entries, [instanceId]: changed } };
  if (changed.machine.reachable === wasReachable) return next;
  return { ...next, transitions: keepLast(state, [...state.transitions, ...findTransition(state, entry, changed.machine, state.transitions.length)]) };
}

function removeEntry(state: FleetState, instanceId: string, atMs: number): FleetState {
  const removed = { ...state.removed, [instanceId]: atMs };
  const entry = state.entries[instanceId];
  if (!entry) return { ...state, removed };
  const { [instanceId]: _gone, ...entries } = state.entries;
  const transition = { seq: nextSeq(state, state.transitions.length), instanceId, kind: "removed" as const, name: nameOf(entry.machine) };
  return { ...state, entries, removed, transitions: keepLast(state, [...state.transitions, transition]) };
}

function findTransition(
  state: FleetState,
  known: MachineEntry | undefined,
  machine: Machine,
  pushed: number,
): FleetTransition[] {
  if (!state.loaded || known?.machine.reachable === machine.reachable) return [];
  const kind = known === undefined ? "added" : machine.reachable ? "online" : "offline";
  return [{ seq: nextSeq(state, pushed), instanceId: machine.instanceId, kind, name: nameOf(machine) }];
}

function nextSeq(state: FleetState, pushed: number): number {
  return (state.transitions.at(-1)?.seq ?? 0) + 1 + (pushed - state.transitions.length);
}

function keepLast(state: FleetState, transitions: FleetTransition[]): FleetTransition[] {
  return transitions.length === state.transitions.length ? state.transitions : transitions.slice(-TRANSITIONS_KEPT);
}

function stampState(state: FleetState, instanceId: string, at: string): FleetState {
  const entry = state.entries[instanceId];
  return entry ? { ...state, entries: { ...state.entries, [instanceId]: { ...entry, stateAt: at } } } : state;
}

function isLate(state: FleetState, instanceId: string, at: string): boolean {
  return isOlder(at, state.entries[instanceId]?.stateAt);
}

function isOlder(at: string | null | undefined, than: string | null | undefined): boolean {
  if (!at || !than) return false;
  return Date.parse(at) < Date.parse(than);
}

/** What people call the machine. */
export function nameOf(machine: { label: string | null; hostname?: string | null; instanceId: string }): string {
  return machine.label || machine.hostname || machine.instanceId;
}
