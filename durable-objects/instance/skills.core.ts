import { utcIso } from "../../src/kernel/clock";
import type { MachineSkill, SkillSummary } from "./machine.rpc";

/** What bots report of their skills. Plugins write them as they like: a name, or an object with one. */

const NAME_MAX = 255;
const TEXT_MAX = 4_000;
const DIGEST_MAX = 128;

/** A skill as the machine's state keeps it. */
export interface BotSkill {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly useCount: number;
  readonly confirmed: boolean;
  readonly createdAt: string | null;
  readonly digest: string | null;
  readonly sizeBytes: number | null;
  /** Null when it was not told, or was too much to keep. */
  readonly content: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

const textOf = (value: unknown, max: number): string | null => (typeof value === "string" ? value.slice(0, max) : null);
const timeOf = (value: unknown): string | null => (typeof value === "string" ? utcIso(value) : null);
const countOf = (value: unknown): number | null => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null);

/** Reads what a beat says; an entry without a usable name is left out, and of two with one name the first stays. */
export function readSkills(told: readonly unknown[]): BotSkill[] {
  const skills = new Map<string, BotSkill>();
  for (const item of told) {
    const skill = readSkill(item);
    if (skill && !skills.has(skill.name)) skills.set(skill.name, skill);
  }
  return [...skills.values()];
}

function readSkill(item: unknown): BotSkill | null {
  const fields: Fields = typeof item === "string" ? { name: item } : item !== null && typeof item === "object" ? (item as Fields) : {};
  const { name } = fields;
  if (typeof name !== "string" || name === "" || name.length > NAME_MAX) return null;
  return {
    name,
    description: textOf(fields["description"], TEXT_MAX) ?? "",
    source: textOf(fields["source"], NAME_MAX) ?? "auto",
    useCount: countOf(fields["use_count"]) ?? countOf(fields["useCount"]) ?? 0,
    confirmed: fields["confirmed"] === true,
    createdAt: timeOf(fields["created_at"]) ?? timeOf(fields["createdAt"]),
    digest: textOf(fields["digest"], DIGEST_MAX),
    sizeBytes: countOf(fields["size_bytes"]) ?? countOf(fields["size"]),
    content: typeof fields["content"] === "string" ? fields["content"] : null,
  };
}

export const toSkillSummary = ({ name, description, source, useCount, confirmed, createdAt }: BotSkill): SkillSummary => ({
  name,
  description,
  source,
  useCount,
  confirmed,
  createdAt,
  installedOn: null,
});

interface SkilledBot {
  readonly skills: readonly BotSkill[] | null;
}

/** Skills of a machine by name. Of one that several bots have, the entry with a text speaks for all. */
export function machineSkills(bots: Readonly<Record<string, SkilledBot>>): MachineSkill[] {
  const byName = new Map<string, { readonly botIds: string[]; readonly skills: BotSkill[] }>();
  for (const [botId, { skills }] of Object.entries(bots)) {
    for (const skill of skills ?? []) {
      const known = byName.get(skill.name) ?? { botIds: [], skills: [] };
      known.botIds.push(botId);
      known.skills.push(skill);
      byName.set(skill.name, known);
    }
  }
  return [...byName].map(([name, { botIds, skills }]) => toMachineSkill(name, botIds, skills)).sort((a, b) => a.name.localeCompare(b.name));
}

function toMachineSkill(name: string, botIds: readonly string[], skills: readonly BotSkill[]): MachineSkill {
  const first = skills.find((skill) => skill.content !== null) ?? skills[0];
  const created = skills.map((skill) => skill.createdAt).filter((at) => at !== null).sort();
  return {
    name,
    description: first?.description ?? "",
    source: first?.source ?? "auto",
    useCount: skills.reduce((sum, skill) => sum + skill.useCount, 0),
    confirmed: skills.some((skill) => skill.confirmed),
    createdAt: created[0] ?? null,
    botIds,
    digest: first?.digest ?? null,
    sizeBytes: first?.sizeBytes ?? (first?.content ? new TextEncoder().encode(first.content).length : null),
    hasContent: first?.content != null,
  };
}

/** Text of a skill by name; null when no bot told it. */
export function skillContent(bots: Readonly<Record<string, SkilledBot>>, name: string): string | null {
  for (const { skills } of Object.values(bots)) {
    const content = skills?.find((skill) => skill.name === name)?.content ?? null;
    if (content !== null) return content;
  }
  return null;
}
