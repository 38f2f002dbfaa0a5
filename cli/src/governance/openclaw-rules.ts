import { isObject, type JsonObject } from "../core/json";
import type { Contract, ContractServer, NameRules } from "./contract";
import type { ViolationKind } from "./violations";

/** A setting of OpenClaw that the contract rules; `want: null` = it must not be there. */
export interface RuledSetting {
  readonly path: readonly string[];
  readonly want: unknown;
  readonly kind: Extract<ViolationKind, "tool" | "skill" | "mcp">;
}

/** OpenClaw takes an empty list of bundled skills for no list; this one names none. */
const NO_SKILL = "none-allowed";

/**
 * The settings that make OpenClaw keep to a contract. Governance only narrows: what its owner forbids besides stays forbidden.
 * @param config OpenClaw's configuration as it is
 * @param owner the same without what we put in: what the owner had
 * @param localSkills skills found on this machine
 * @param broker origin of our server, through which tool servers may be called too
 * Pure.
 */
export function ruledSettings(contract: Contract, config: JsonObject, owner: JsonObject, localSkills: readonly string[], broker: string): RuledSetting[] {
  return [...toolSettings(contract.tools, owner), ...(contract.skills === null ? [] : skillSettings(contract.skills, config, owner, localSkills)), ...mcpSettings(contract.mcpServers, config, broker)];
}

function toolSettings(rules: NameRules, owner: JsonObject): RuledSetting[] {
  const settings: RuledSetting[] = [];
  const setting = (key: string, want: unknown): void => void settings.push({ path: ["tools", key], want, kind: "tool" });
  const allowed = rules.allow === null || rules.allow.includes("*") ? null : narrowed(texts(valueAt(owner, ["tools", "allow"])), rules.allow);
  if (allowed !== null && allowed.length > 0) {
    setting("allow", allowed);
    // OpenClaw refuses both in one place.
    setting("alsoAllow", null);
  }
  const deny = [...rules.deny, ...(allowed?.length === 0 ? ["*"] : [])];
  if (deny.length > 0) setting("deny", [...new Set([...(texts(valueAt(owner, ["tools", "deny"])) ?? []), ...deny])]);
  return settings;
}

function skillSettings(entitled: readonly string[], config: JsonObject, owner: JsonObject, localSkills: readonly string[]): RuledSetting[] {
  const agents = narrowed(texts(valueAt(owner, ["agents", "defaults", "skills"])), entitled, true);
  const bundled = narrowed(texts(valueAt(owner, ["skills", "allowBundled"])), entitled);
  const known = [...localSkills, ...keysAt(config, ["skills", "entries"]), ...agentSkills(config)];
  const refused = [...new Set(known)].filter((name) => !entitled.includes(name)).sort();
  return [
    { path: ["agents", "defaults", "skills"], want: agents, kind: "skill" },
    { path: ["skills", "allowBundled"], want: bundled.length === 0 ? [NO_SKILL] : bundled, kind: "skill" },
    // An agent's own list replaces the defaults, so what it names beyond is turned off by itself.
    ...refused.map((name): RuledSetting => ({ path: ["skills", "entries", name, "enabled"], want: false, kind: "skill" })),
  ];
}

function mcpSettings(rules: Contract["mcpServers"], config: JsonObject, broker: string): RuledSetting[] {
  if (rules.allow === null && rules.deny.length === 0) return [];
  const known = new Map(rules.servers.map((server) => [server.name, server]));
  const listed = (list: readonly string[], name: string): boolean => list.includes("*") || list.includes(name) || list.includes(known.get(name)?.id ?? name);
  return keysAt(config, ["mcp", "servers"])
    .filter((name) => listed(rules.deny, name) || (rules.allow !== null && (!listed(rules.allow, name) || isAnother(known.get(name), valueAt(config, ["mcp", "servers", name]), broker))))
    .map((name) => ({ path: ["mcp", "servers", name], want: null, kind: "mcp" }));
}

/** Whether an entry only bears the name of a server that the organisation knows: it leads elsewhere, or starts a program. */
function isAnother(server: ContractServer | undefined, entry: unknown, broker: string): boolean {
  if (server?.endpoint === undefined) return false;
  const url = valueAt(entry, ["url"]);
  if (typeof url !== "string" || !URL.canParse(url) || !URL.canParse(server.endpoint)) return true;
  const [there, meant] = [new URL(url), new URL(server.endpoint)];
  // Or through our broker, which puts the credential in and judges by id.
  if (there.origin === broker && there.pathname === `/api/v1/mcp/${server.id}`) return false;
  return `${there.origin}${there.pathname.replace(/\/+$/, "")}` !== `${meant.origin}${meant.pathname.replace(/\/+$/, "")}`;
}

/**
 * What both lists allow. A list with patterns or groups cannot be compared by name; there the contract's list is taken.
 * @param emptyIsNone whether OpenClaw takes the owner's empty list for "nothing" (otherwise it means "no list")
 */
function narrowed(mine: readonly string[] | undefined, allowed: readonly string[], emptyIsNone = false): readonly string[] {
  if (mine === undefined || (mine.length === 0 && !emptyIsNone) || mine.some((name) => /[*:]/.test(name))) return allowed;
  return mine.filter((name) => allowed.includes(name));
}

function agentSkills(config: JsonObject): string[] {
  const list = valueAt(config, ["agents", "list"]);
  return Array.isArray(list) ? list.flatMap((agent: unknown) => (isObject(agent) ? (texts(agent["skills"]) ?? []) : [])) : [];
}

function texts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : undefined;
}

function keysAt(config: JsonObject, path: readonly string[]): string[] {
  const value = valueAt(config, path);
  return isObject(value) ? Object.keys(value) : [];
}

/** The value at a path, undefined where there is none. Pure. */
export function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined), config);
}

/** Whether the configuration has what a setting wants. Order in lists does not count. Pure. */
export function holds(config: JsonObject, { path, want }: RuledSetting): boolean {
  const value = valueAt(config, path);
  if (want === null) return value === undefined || value === null;
  return canonical(value) === canonical(want);
}

function canonical(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? [...new Set(value.map((item) => JSON.stringify(item)))].sort() : (value ?? null));
}

/** What to name when a setting was found changed: the tools, skills or servers that it would let in. Pure. */
export function tamperedSubjects(config: JsonObject, { path, want, kind }: RuledSetting): string[] {
  const last = path.at(-1) ?? "";
  if (kind === "mcp") return [last];
  if (path[0] === "skills" && path[1] === "entries") return [path[2] ?? last];
  const found = texts(valueAt(config, path));
  const wanted = texts(want) ?? [];
  const names = last === "deny" ? wanted.filter((name) => found?.includes(name) !== true) : (found ?? []).filter((name) => !wanted.includes(name));
  return names.length === 0 ? [path.join(".")] : names.slice(0, 10);
}

/** A patch (objects merge, null takes away) that sets values at paths. Pure. */
export function patchOf(settings: ReadonlyArray<{ readonly path: readonly string[]; readonly want: unknown }>): JsonObject {
  const patch: Record<string, unknown> = {};
  for (const { path, want } of settings) {
    let at = patch;
    for (const key of path.slice(0, -1)) {
      const next = Object.hasOwn(at, key) && isObject(at[key]) ? { ...at[key] } : {};
      Object.defineProperty(at, key, { value: next, enumerable: true, configurable: true, writable: true });
      at = next;
    }
    const last = path.at(-1) ?? "";
    Object.defineProperty(at, last, { value: want, enumerable: true, configurable: true, writable: true });
  }
  return patch;
}
