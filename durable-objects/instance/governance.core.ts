import type { ContractPointer, GovernanceBeat, GovernanceFacts, MachineContract, Violation } from "./governance.rpc";

/** How a machine's contract and what it reports of it move. No storage, no clock, no platform. */

/** While nothing changes, the tenant hears of a machine once in such a stretch of time. */
export const PARTICIPATION_MS = 5 * 60_000;
/** Ids of violations that are remembered, so that a repeated one counts once. */
const SEEN_MAX = 200;
/** Violations that wait until the tenant's object hears of them; the oldest go first. */
const UNTOLD_MAX = 100;
/** Most characters kept of an id or version, and of what a violation was about. */
const NAME_MAX = 255;
const SUBJECT_MAX = 500;

/** What the machine said last. */
export interface Reported {
  readonly contractId: string | null;
  readonly revision: number | null;
  readonly awarenessVersion: string | null;
  readonly enforcing: readonly string[];
}

/** What is remembered of a governed machine's reports; written only when it changes. */
export interface ReportState {
  readonly reported: Reported | null;
  /** True while every beat brings a report: its time is then the beat's. */
  readonly reporting: boolean;
  /** ms of the last beat that brought one, kept when they stop. */
  readonly reportedAt: number | null;
  readonly seen: readonly string[];
  /** Violations and changes that the tenant's object has not heard of. */
  readonly untold: { readonly changed: boolean; readonly violations: readonly Violation[] };
}

export const NO_REPORTS: ReportState = { reported: null, reporting: false, reportedAt: null, seen: [], untold: { changed: false, violations: [] } };

/**
 * Takes in what a beat says.
 * @param previousBeatAt ms of the beat before this one
 * @returns the same object when nothing is new
 */
export function foldReport(state: ReportState, beat: GovernanceBeat | null, previousBeatAt: number): ReportState {
  if (!beat) return state.reporting ? { ...state, reporting: false, reportedAt: previousBeatAt } : state;
  const reported: Reported = { contractId: cut(beat.contract_id, NAME_MAX), revision: beat.revision, awarenessVersion: cut(beat.awareness_version, NAME_MAX), enforcing: beat.enforcing };
  const known = new Set(state.seen);
  const fresh = beat.violations.filter(({ id }) => !known.has(id) && known.add(id).size > 0);
  const changed = !sameReport(state.reported, reported);
  if (state.reporting && !changed && fresh.length === 0) return state;
  return {
    reported,
    reporting: true,
    reportedAt: state.reportedAt,
    seen: [...state.seen, ...fresh.map(({ id }) => id)].slice(-SEEN_MAX),
    untold: { changed: state.untold.changed || changed, violations: [...state.untold.violations, ...fresh.map((violation) => ({ ...violation, subject: cut(violation.subject, SUBJECT_MAX) }))].slice(-UNTOLD_MAX) },
  };
}

const cut = (text: string | null, max: number): string | null => text?.slice(0, max) ?? null;

const sameReport = (a: Reported | null, b: Reported): boolean =>
  a !== null && a.contractId === b.contractId && a.revision === b.revision && a.awarenessVersion === b.awarenessVersion && a.enforcing.length === b.enforcing.length && a.enforcing.every((kind, index) => kind === b.enforcing[index]);

/** Whether something waits that the tenant must hear at once. */
export const hasUntold = ({ untold }: ReportState): boolean => untold.changed || untold.violations.length > 0;

/** The tenant's object heard of these; what came since still waits. */
export function foldTold(state: ReportState, told: ReportState["untold"], reported: Reported | null): ReportState {
  const heard = new Set(told.violations.map(({ id }) => id));
  return { ...state, untold: { changed: state.untold.changed && !(reported !== null && sameReport(state.reported, reported)), violations: state.untold.violations.filter(({ id }) => !heard.has(id)) } };
}

/** Whether a steady machine's beat is the first of its stretch of time. Told by the times of two beats, so that nothing need be kept. */
export const beginsStretch = (previousBeatAt: number, now: number): boolean => Math.floor(previousBeatAt / PARTICIPATION_MS) !== Math.floor(now / PARTICIPATION_MS);

/** What a beat's answer says. A released machine is told until it shows that it knows. */
export function pointerOf({ contractId, revision, released }: MachineContract, { reporting, reported }: ReportState): ContractPointer | null {
  if (released && (!reporting || reported === null || reported.revision === revision)) return null;
  return { id: contractId, revision };
}

export function toFacts(contract: MachineContract, state: ReportState, lastSeen: number): GovernanceFacts {
  const { jws: _, ...known } = contract;
  return {
    ...known,
    reportedContractId: state.reported?.contractId ?? null,
    reportedRevision: state.reported?.revision ?? null,
    awarenessVersion: state.reported?.awarenessVersion ?? null,
    enforcing: state.reported?.enforcing ?? [],
    lastReportAt: state.reporting ? lastSeen : state.reportedAt,
  };
}
