import { MINUTE_MS } from "../../kernel/clock";

/**
 * The life of a pairing, without storage or clock:
 * `pending → redeemed → connecting → live ⇄ degraded → repairing → live | failed`, or `expired`, or `closed`.
 * Pending, expired and closed follow from the row in D1; the others live in the machine's object and move by what it hears.
 */

export const PAIRING_PHASES = ["pending", "expired", "redeemed", "connecting", "live", "degraded", "repairing", "failed", "closed"] as const;
export type PairingPhase = (typeof PAIRING_PHASES)[number];

/** Why a pairing is degraded or failed. */
export type PairingFailure = "no_heartbeat" | "bot_error" | "bot_quarantined" | "token_dead" | "bot_stopped" | "machine_offline" | "repair_timeout" | "repair_failed";

/** Time for the machine to say that it took the pairing over; then we take it that it did. */
export const CLAIM_MS = 2 * MINUTE_MS;
/** Time for the bot to be heard running. */
export const CONNECT_MS = 5 * MINUTE_MS;
/** Time for a repair to show. */
export const REPAIR_MS = 5 * MINUTE_MS;

/** A pairing as the object keeps it. Times in ms. */
export interface PairingState {
  readonly phase: PairingPhase;
  /** When the phase began. */
  readonly since: number;
  readonly failureReason: PairingFailure | null;
  /** The newest repair's command, until the bot runs again: its result counts even when it comes after {@link REPAIR_MS}. */
  readonly repairCommandId: string | null;
  /** Since when the bot's token is known good: what the bot tells of an older one is history. */
  readonly tokenSince: number;
}

/** What a beat says of a bot, as far as its pairing cares. */
export interface BotSigns {
  readonly status: string;
  readonly quarantined: boolean;
  readonly lastError: string | null;
  /** ISO 8601; null when the bot does not say. */
  readonly lastErrorAt: string | null;
}

export type PairingEvent =
  /** The machine says that it took the pairing over. */
  | { readonly type: "claimed" }
  /** A beat lists the bot. */
  | { readonly type: "heard"; readonly bot: BotSigns }
  /** A beat does not list the bot. */
  | { readonly type: "missing" }
  | { readonly type: "offline" }
  | { readonly type: "repairRequested"; readonly commandId: string }
  /** Result of a `bot_refresh`. */
  | { readonly type: "refreshed"; readonly commandId: string; readonly ok: boolean }
  | { readonly type: "tick" };

/** How a pairing begins: its code was redeemed. */
export const redeemedState = (redeemedAt: number): PairingState => ({ phase: "redeemed", since: redeemedAt, failureReason: null, repairCommandId: null, tokenSince: redeemedAt });

/** When time alone will move the pairing (ms); null when it will not. */
export function phaseDueAt({ phase, since }: PairingState): number | null {
  switch (phase) {
    case "redeemed":
      return since + CLAIM_MS;
    case "connecting":
      return since + CONNECT_MS;
    case "repairing":
      return since + REPAIR_MS;
    default:
      return null;
  }
}

/** The state with all time up to `now` passed, so that no read is late. Each step begins when it was due, not when somebody looked. */
export function settlePhase(state: PairingState, now: number): PairingState {
  const due = phaseDueAt(state);
  if (due === null || due > now) return state;
  switch (state.phase) {
    case "redeemed":
      return settlePhase({ ...state, phase: "connecting", since: due }, now);
    case "repairing":
      return degraded(state, "repair_timeout", due);
    default:
      return degraded(state, "no_heartbeat", due);
  }
}

/** Only a broken pairing is repaired. */
export const canRepair = (phase: PairingPhase): boolean => phase === "degraded" || phase === "failed";

/** What `event` makes of a pairing at `now` (ms). Total: what means nothing to a phase leaves it as it is. */
export function nextPhase(before: PairingState, event: PairingEvent, now: number): PairingState {
  const state = settlePhase(before, now);
  // A clock that went back (another object's, a machine's) must not put a phase before the one it follows.
  const at = Math.max(now, state.since);
  switch (event.type) {
    case "tick":
      return state;
    case "claimed":
      return state.phase === "redeemed" ? { ...state, phase: "connecting", since: at } : state;
    case "heard":
      return onHeard(state, event.bot, at);
    case "missing":
      return onStopped(state, at);
    case "offline":
      return state.phase === "live" ? degraded(state, "machine_offline", at) : state;
    case "repairRequested":
      return canRepair(state.phase) ? { ...state, phase: "repairing", since: at, failureReason: null, repairCommandId: event.commandId } : state;
    case "refreshed":
      return onRefreshed(state, event, at);
  }
}

const degraded = (state: PairingState, failureReason: PairingFailure, since: number): PairingState => ({ ...state, phase: "degraded", since, failureReason });

const live = (state: PairingState, since: number): PairingState => ({ ...state, phase: "live", since, failureReason: null, repairCommandId: null });

/** Phases that an object keeps; the others move by their row alone. */
const isKept = (phase: PairingPhase): boolean => phase !== "pending" && phase !== "expired" && phase !== "closed";

/** A bot that runs without a fault is live, however its pairing came to be broken: nobody needs to repair what works again. */
function onHeard(state: PairingState, bot: BotSigns, at: number): PairingState {
  const fault = faultOf(state, bot);
  if (fault === null && bot.status === "stopped") return onStopped(state, at);
  if (fault === null) return bot.status === "running" && isKept(state.phase) && state.phase !== "live" ? live(state, at) : state;
  switch (state.phase) {
    case "live":
      return degraded(state, fault, at);
    case "degraded":
      return { ...state, failureReason: fault };
    default:
      return state;
  }
}

/** A live bot that does not run is broken. What was broken before keeps its reason, unless the reason was that the machine was away. */
function onStopped(state: PairingState, at: number): PairingState {
  if (state.phase === "live") return degraded(state, "bot_stopped", at);
  return state.phase === "degraded" && state.failureReason === "machine_offline" ? { ...state, failureReason: "bot_stopped" } : state;
}

function onRefreshed(state: PairingState, { commandId, ok }: Extract<PairingEvent, { type: "refreshed" }>, at: number): PairingState {
  const isRepairing = state.phase === "repairing" || state.phase === "degraded";
  if (!isRepairing || state.repairCommandId !== commandId) return state;
  if (ok) return { ...live(state, at), tokenSince: at };
  return { ...state, phase: "failed", since: at, failureReason: "repair_failed", repairCommandId: null };
}

function faultOf(state: PairingState, bot: BotSigns): PairingFailure | null {
  if (isTokenDead(state, bot)) return "token_dead";
  if (bot.status === "error") return "bot_error";
  return bot.quarantined ? "bot_quarantined" : null;
}

/** The homeserver refused the bot's token: the bot's last error says so, and is not from before it got the present one. */
function isTokenDead(state: PairingState, bot: BotSigns): boolean {
  if (!bot.lastError?.includes("M_UNKNOWN_TOKEN")) return false;
  const at = bot.lastErrorAt === null ? NaN : Date.parse(bot.lastErrorAt);
  return Number.isNaN(at) || at >= state.tokenSince;
}

export interface HealthFacts {
  /** The bot's errors rose with its last beat. */
  readonly erring: boolean;
  /** The machine is silent. */
  readonly stale: boolean;
}

/** 0 to 100; null for phases that say nothing about health. Source: badgerclaw notes §9. */
export function healthScore(phase: PairingPhase, { erring, stale }: HealthFacts): number | null {
  switch (phase) {
    case "live":
      return 100 - (erring ? 20 : 0) - (stale ? 30 : 0);
    case "degraded":
      return 40;
    case "repairing":
      return 30;
    case "failed":
    case "expired":
      return 0;
    default:
      return null;
  }
}

/** Phase of a pairing as far as its row in D1 knows it. For a redeemed one the machine's object knows better. */
export function phaseOfRow(row: { readonly status: "pending" | "redeemed" | "closed"; readonly expiresAt: number }, now: number): PairingPhase {
  if (row.status === "pending") return row.expiresAt <= now ? "expired" : "pending";
  return row.status;
}
