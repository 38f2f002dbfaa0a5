import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { MachineSkill } from "../../../durable-objects/instance/machine.rpc";
import { isDigest } from "./skill-content.core";

/** Skills of an owner's machines, and how one travels between them. No I/O, no clock. */

/** How long a transfer may take. */
export const TRANSFER_TTL_MS = DAY_MS;
/** Longest text of SKILL.md that travels in the command itself, for clients that know no address: bytes, and characters of JSON. */
const INLINE_MAX_BYTES = 24 * 1024;
const INLINE_MAX_CHARS = 26_000;
const CHECK_MIN_MS = 30 * SECOND_MS;
const CHECK_MAX_MS = 15 * MINUTE_MS;

/** The skills of one machine. */
export interface MachineSkills {
  readonly instanceId: string;
  readonly hostname: string | null;
  readonly reachable: boolean;
  readonly skills: readonly MachineSkill[];
}

/** A skill as the owner sees it: over all machines. */
export interface FleetSkill {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly useCount: number;
  readonly confirmed: boolean;
  readonly createdAt: string | null;
  readonly installedOn: readonly { readonly instanceId: string; readonly hostname: string | null }[];
}

/** Skills by name over all machines: uses add up, the first words and the earliest time stand. */
export function mergeSkills(machines: readonly MachineSkills[]): FleetSkill[] {
  const merged = new Map<string, FleetSkill>();
  for (const { instanceId, hostname, skills } of machines) {
    for (const skill of skills) {
      const known = merged.get(skill.name);
      merged.set(skill.name, {
        name: skill.name,
        description: known?.description || skill.description,
        source: known?.source ?? skill.source,
        useCount: (known?.useCount ?? 0) + skill.useCount,
        confirmed: (known?.confirmed ?? false) || skill.confirmed,
        createdAt: earlier(known?.createdAt ?? null, skill.createdAt),
        installedOn: [...(known?.installedOn ?? []), { instanceId, hostname }],
      });
    }
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const earlier = (a: string | null, b: string | null): string | null => (a === null || b === null ? (a ?? b) : a < b ? a : b);

/** One machine's copy of a skill that could be sent. */
export interface SkillCopy {
  readonly instanceId: string;
  readonly reachable: boolean;
  readonly description: string;
  /** Null when its beat told none that is one. */
  readonly digest: string | null;
  readonly hasContent: boolean;
}

/** Copies of a skill that could be had, best first: reachable machines, then those whose content we know, then by name. */
export function copiesOf(machines: readonly MachineSkills[], name: string): SkillCopy[] {
  return machines
    .flatMap(({ instanceId, reachable, skills }) =>
      skills
        .filter((skill) => skill.name === name)
        .map(({ description, digest, hasContent }) => ({ instanceId, reachable, description, digest: digest !== null && isDigest(digest) ? digest : null, hasContent })),
    )
    .filter((copy) => copy.hasContent || copy.digest !== null)
    .sort((a, b) => Number(b.reachable) - Number(a.reachable) || Number(b.hasContent) - Number(a.hasContent) || (a.instanceId < b.instanceId ? -1 : 1));
}

export type TransferState = "waiting_source" | "sending" | "installed" | "failed" | "expired";

/** What happens to a transfer. */
export type TransferEvent = "content_sent" | "installed" | "failed" | "expired";

export const isOpen = (state: TransferState): boolean => state === "waiting_source" || state === "sending";

/** waiting_source → sending → installed, or from either to failed or expired, which like installed are final. Null when the event changes nothing. */
export function nextState(state: TransferState, event: TransferEvent): TransferState | null {
  if (!isOpen(state)) return null;
  switch (event) {
    case "content_sent":
      return state === "waiting_source" ? "sending" : null;
    case "installed":
      return state === "sending" ? "installed" : null;
    default:
      return event;
  }
}

/** A transfer as far as its next step goes. Times in ms. */
export interface TransferFacts {
  readonly state: TransferState;
  readonly exportCommandId: string | null;
  readonly expiresAt: number;
  readonly hasContent: boolean;
  /** The command that it waits for; null when it waits for none yet, `unknown` when its machine has none such any more. */
  readonly command: { readonly status: string; readonly result: string | null } | "unknown" | null;
}

export type TransferStep =
  | { readonly kind: "wait" }
  | { readonly kind: "ask_source" }
  | { readonly kind: "send" }
  | { readonly kind: "end"; readonly event: Exclude<TransferEvent, "content_sent">; readonly failure: string | null };

const failed = (failure: string): TransferStep => ({ kind: "end", event: "failed", failure });

/** What to do next for an open transfer. */
export function nextStep(facts: TransferFacts, now: number): TransferStep {
  const { command } = facts;
  const isSending = facts.state === "sending";
  if (isSending && command !== null && command !== "unknown" && command.status === "success") return { kind: "end", event: "installed", failure: null };
  if (now >= facts.expiresAt) return { kind: "end", event: "expired", failure: null };
  if (!isSending && facts.hasContent) return { kind: "send" };
  if (!isSending && facts.exportCommandId === null) return { kind: "ask_source" };
  const machine = isSending ? "target" : "source";
  if (command === "unknown" || command === null) return failed(`The ${machine} is not one of your machines any more.`);
  switch (command.status) {
    case "pending":
    case "acknowledged":
      return { kind: "wait" };
    case "success":
      return failed("The source said that it had sent the skill, but it did not arrive.");
    case "failed":
      return failed(command.result || `The ${machine} could not do it.`);
    default:
      return failed(`The ${machine} did not answer in time.`);
  }
}

/** When to look after a transfer again: soon at first, then ever less often. */
export const nextCheckAt = (createdAt: number, now: number): number => now + Math.min(Math.max((now - createdAt) / 4, CHECK_MIN_MS), CHECK_MAX_MS);

/** SKILL.md for the command itself; null when it is too long for one. */
export function inlineText(mainText: string | null): string | null {
  if (mainText === null || JSON.stringify(mainText).length > INLINE_MAX_CHARS) return null;
  return new TextEncoder().encode(mainText).length <= INLINE_MAX_BYTES ? mainText : null;
}

export const contentKey = (tenantId: number, digest: string): string => `skills/${tenantId}/${digest}`;
export const contentUrl = (digest: string): string => `/api/v1/dashboard/skills/content/${digest}`;
