import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";

/** Who takes part in the awareness rollout: counting in the tenant's object, judging in the report. */

/** A tenant seen within this time takes part. */
export const PARTICIPATING_MS = 15 * MINUTE_MS;
/** At most this long after a report D1 shows it, when nothing more urgent asks for it. */
export const FLUSH_EVERY_MS = 5 * MINUTE_MS;
/** Shortest time between two flushes, however much happens. */
export const FLUSH_SPACING_MS = 10 * SECOND_MS;
/** Being seen is worth a row when it is this much newer than what lies there. */
export const SEEN_STEP_MS = MINUTE_MS;
export const KEEP_VIOLATIONS = 20;
/** Machines of a tenant that a report names; those unseen for longest go first. */
export const KEEP_MACHINES = 100;

export const EVENT_KINDS = ["agent_card", "skill_execution", "heartbeat"] as const;
export const OUTCOMES = ["ok", "policy-violation"] as const;

/** Something that a runtime reports of itself. */
export interface ParticipationEvent {
  readonly kind: (typeof EVENT_KINDS)[number];
  /** The tenant's: the same key again is the same event again. */
  readonly idempotencyKey: string;
  /** When it happened there, ms. */
  readonly at: number;
  /** The awareness version that runs there. */
  readonly contractVersion?: string | undefined;
  readonly outcome?: (typeof OUTCOMES)[number] | undefined;
  /** What was refused: what kind of thing, and which. */
  readonly violation?: { readonly kind: string; readonly subject: string } | undefined;
}

/** A violation as the report tells it; `at` in ms. */
export interface Violation {
  readonly at: number;
  readonly kind: string;
  readonly subject: string;
}

/** A reporter of a tenant: a machine, or "" for whoever reports with the tenant's own token. */
export interface Participant {
  readonly machine: string;
  readonly lastSeenAt: number;
  readonly runningVersion: string | null;
}

/** What is known of one tenant. The counters never go back. */
export interface Participation {
  readonly lastSeenAt: number | null;
  readonly runningVersion: string | null;
  readonly policyViolations: number;
  readonly skillExecutions: number;
  /** Newest last. */
  readonly recentViolations: readonly Violation[];
  readonly machines: readonly Participant[];
}

export const NEVER_SEEN: Participation = { lastSeenAt: null, runningVersion: null, policyViolations: 0, skillExecutions: 0, recentViolations: [], machines: [] };

/** Only an execution counts; cards and beats just show that somebody is there. */
const isViolation = (event: ParticipationEvent): boolean => event.kind === "skill_execution" && event.outcome === "policy-violation";

/**
 * Adds what a machine reported.
 * @param fresh events that were not counted before
 * @returns what is known now, and whether people should see it soon (a version, a violation, a new face) rather than at the next flush
 */
export function addReport(before: Participation, machine: string, fresh: readonly ParticipationEvent[], seenAt: number): { readonly after: Participation; readonly urgent: boolean } {
  const known = before.machines.find((one) => one.machine === machine);
  const version = fresh.findLast((event) => event.contractVersion !== undefined)?.contractVersion ?? known?.runningVersion ?? null;
  const violations = fresh.filter(isViolation).map((event): Violation => ({ at: Math.min(event.at, seenAt), kind: event.violation?.kind ?? "skill", subject: event.violation?.subject ?? "" }));
  const me: Participant = { machine, lastSeenAt: Math.max(known?.lastSeenAt ?? 0, seenAt), runningVersion: version };
  const machines = [...before.machines.filter((one) => one.machine !== machine), me].sort((a, b) => a.lastSeenAt - b.lastSeenAt).slice(-KEEP_MACHINES);
  return {
    after: {
      lastSeenAt: Math.max(before.lastSeenAt ?? 0, seenAt),
      runningVersion: version ?? before.runningVersion,
      policyViolations: before.policyViolations + violations.length,
      skillExecutions: before.skillExecutions + fresh.filter((event) => event.kind === "skill_execution").length,
      recentViolations: [...before.recentViolations, ...violations].slice(-KEEP_VIOLATIONS),
      machines,
    },
    urgent: !known || known.runningVersion !== version || violations.length > 0,
  };
}

export type Severity = "ok" | "warning" | "critical";

/** How a tenant stands in the rollout. */
export interface Judgement {
  readonly participating: boolean;
  readonly drifted: boolean;
  readonly severity: Severity;
  /** What it runs; of several, one that it should not. */
  readonly runningVersion: string | null;
}

/** @param expected the version that the rollout gives this tenant; `now` in ms */
export function judge(known: Participation, expected: string, now: number): Judgement {
  const participating = known.lastSeenAt !== null && now - known.lastSeenAt <= PARTICIPATING_MS;
  const live = known.machines.filter((one) => now - one.lastSeenAt <= PARTICIPATING_MS).map((one) => one.runningVersion);
  const strays = live.find((version) => version !== null && version !== expected);
  // Nobody is there: what ran last still tells whether it has drifted.
  const runningVersion = strays ?? live.find((version) => version !== null) ?? known.runningVersion;
  const drifted = runningVersion !== null && runningVersion !== expected;
  return { participating, drifted, severity: known.policyViolations > 0 ? "critical" : !participating || drifted ? "warning" : "ok", runningVersion };
}
