/**
 * The provider's list against our rows, in both directions: what is done about each difference. No I/O, no clock: times are ms. Whatever
 * destroys is verified once more by whoever does it. docs/design/cloud-vms.md
 */
import { HOUR_MS, MINUTE_MS } from "../../kernel/clock";
import type { Computer, ComputerStatus } from "../../kernel/ports/compute";
import type { VmStatus } from "../vm-provisioning";

/** A row that changed this shortly before may know a computer that the list could not know. */
export const SETTLING_MS = MINUTE_MS;
/** An open finding that is still true is written again this often. */
export const REFRESH_MS = HOUR_MS;
/** Computers of so many machines of ours without any row are destroyed at once. More of them, and more than every second of ours, is a database that was lost, not a machine; twins of one machine say nothing of that. */
export const ORPHANS_AT_ONCE = 5;

/** What the comparison needs of a row. */
export interface VmFacts {
  readonly id: string;
  readonly tag: string;
  readonly status: VmStatus;
  readonly computerId: string | null;
  /** When its present step began; of one that is being destroyed, when that was asked for. */
  readonly stepStartedAt: number;
  readonly updatedAt: number;
  /** Since when nobody pays for it; null: somebody does. */
  readonly unpaidSince: number | null;
}

/** A computer of the list, and the machine that its signed name says it is; null when it is none of ours. */
export interface SeenComputer {
  readonly computer: Computer;
  readonly vmId: string | null;
}

export const FINDING_KINDS = ["unknown_computer", "orphan_computer", "duplicate_computer", "lost_computer", "stuck_destroy"] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** A computer's id, or a machine's. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface KnownFinding {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly lastSeenAt: number;
}

/** `destroy`: nobody's any more, or one too many. `look`: it may be lost or stopped; the machine's own steps find out. */
export type Action =
  | { readonly kind: "adopt"; readonly vmId: string; readonly computer: Computer }
  | { readonly kind: "destroy"; readonly reason: "orphan" | "duplicate"; readonly vmId: string; readonly computer: Computer }
  | { readonly kind: "look"; readonly reason: "lost" | "stopped"; readonly vmId: string };

export interface Comparison {
  readonly now: number;
  /** When the list was asked for; rows were read after it came. */
  readonly listedAt: number;
  readonly seen: readonly SeenComputer[];
  /** What is being destroyed since before this is shown to administrators. */
  readonly stuckBefore: number;
  /** Every row of this provider that is not a tombstone, and the tombstones of machines that are in the list. */
  readonly rows: readonly VmFacts[];
  /** Findings that were open about this provider before the rows were read. */
  readonly known: readonly KnownFinding[];
}

export interface Reconciliation {
  readonly actions: readonly Action[];
  /** New ones, and open ones that are due to be written again. */
  readonly open: readonly Finding[];
  readonly resolve: readonly KnownFinding[];
}

/** States from which nothing comes back by itself. */
const isDown = (status: ComputerStatus): boolean => status === "stopped" || status === "suspended" || status === "error" || status === "deleting";

const byAge = (a: Computer, b: Computer): number => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.id < b.id ? -1 : 1);

/** What is to be done. The same list twice, in another order, or with a computer in it twice, asks for the same. */
export function reconcile(input: Comparison): Reconciliation {
  const seen = [...new Map(input.seen.map((one) => [one.computer.id, one])).values()].sort((a, b) => byAge(a.computer, b.computer));
  const rows = new Map(input.rows.map((row) => [row.id, row]));
  const findings: Finding[] = [];
  const ours = new Map<string, Computer[]>();
  for (const { computer, vmId } of seen) {
    if (vmId === null) findings.push(findingOf("unknown_computer", computer, { looks_like_ours: computer.tag.startsWith("sett-") }));
    else ours.set(vmId, [...(ours.get(vmId) ?? []), computer]);
  }
  const spares = [...ours].flatMap(([vmId, computers]) => ofMachine(vmId, rows.get(vmId), computers));
  const rowless = new Set(spares.flatMap(({ vmId }) => (rows.has(vmId) ? [] : [vmId])));
  const isTooMuch = rowless.size > ORPHANS_AT_ONCE && rowless.size * 2 > ours.size;
  for (const action of spares) {
    if (action.kind !== "destroy") continue;
    const isHeld = isTooMuch && !rows.has(action.vmId);
    findings.push(findingOf(action.reason === "orphan" ? "orphan_computer" : "duplicate_computer", action.computer, { cloud_vm_id: action.vmId, held: isHeld }));
  }
  const looks = lookAt(input, new Map(seen.map(({ computer }) => [computer.id, computer])));
  for (const { reason, vmId } of looks) if (reason === "lost") findings.push({ kind: "lost_computer", subject: vmId, detail: { computer_id: rows.get(vmId)?.computerId ?? null } });
  for (const row of input.rows) {
    if (row.status === "destroying" && row.stepStartedAt < input.stuckBefore) findings.push({ kind: "stuck_destroy", subject: row.id, detail: { computer_id: row.computerId, since: row.stepStartedAt } });
  }
  const kept = isTooMuch ? spares.filter(({ vmId }) => !rowless.has(vmId)) : spares;
  return { actions: [...kept, ...looks], ...compareFindings(findings, input) };
}

type SpareAction = Extract<Action, { kind: "adopt" | "destroy" }>;

/** What becomes of the computers that bear one machine's name, oldest first. */
function ofMachine(vmId: string, row: VmFacts | undefined, computers: readonly Computer[]): SpareAction[] {
  const destroy = (reason: "orphan" | "duplicate", some: readonly Computer[]): SpareAction[] =>
    some.filter(({ status }) => status !== "deleting").map((computer) => ({ kind: "destroy", reason, vmId, computer }));
  if (!row || row.status === "destroyed") return destroy("orphan", computers);
  if (row.computerId !== null) return destroy("duplicate", computers.filter(({ id }) => id !== row.computerId));
  // Whoever destroys it looks for its name.
  if (row.status === "destroying") return [];
  const [first] = computers.filter(({ status }) => status !== "deleting");
  return first ? [{ kind: "adopt", vmId, computer: first }] : [];
}

type Look = Extract<Action, { kind: "look" }>;

function lookAt({ rows, listedAt }: Comparison, listed: ReadonlyMap<string, Computer>): Look[] {
  return rows.flatMap(({ id, status, computerId, updatedAt }): Look[] => {
    if (status !== "online" || computerId === null || updatedAt > listedAt - SETTLING_MS) return [];
    const computer = listed.get(computerId);
    if (!computer) return [{ kind: "look", reason: "lost", vmId: id }];
    return isDown(computer.status) ? [{ kind: "look", reason: "stopped", vmId: id }] : [];
  });
}

const findingOf = (kind: FindingKind, { id, tag, status, createdAt, workspaceName }: Computer, more: Readonly<Record<string, unknown>> = {}): Finding => ({
  kind,
  subject: id,
  detail: { name: tag, status, created_at: createdAt, workspace: workspaceName, ...more },
});

/** Opened by whoever finds that nobody pays; over once somebody does, or the machine is on its way out. */
const UNPAID_MACHINE = "unpaid_machine";

function compareFindings(findings: readonly Finding[], { now, known, rows }: Comparison): Pick<Reconciliation, "open" | "resolve"> {
  const key = ({ kind, subject }: { readonly kind: string; readonly subject: string }): string => `${kind}:${subject}`;
  const open = new Map(known.map((one) => [key(one), one]));
  const current = new Set(findings.map(key));
  const unpaid = new Set(rows.flatMap(({ id, status, unpaidSince }) => (unpaidSince === null || status === "destroying" || status === "destroyed" ? [] : [id])));
  const isOver = (one: KnownFinding): boolean => (one.kind === UNPAID_MACHINE ? !unpaid.has(one.subject) : FINDING_KINDS.some((kind) => kind === one.kind) && !current.has(key(one)));
  // What may not be touched may be much: it comes last.
  const ordered = [...findings].sort((a, b) => Number(a.kind === "unknown_computer") - Number(b.kind === "unknown_computer"));
  return {
    open: ordered.filter((one) => (open.get(key(one))?.lastSeenAt ?? 0) <= now - REFRESH_MS),
    resolve: known.filter(isOver),
  };
}
