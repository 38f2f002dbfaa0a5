import { isObject, type JsonObject } from "../core/json";

/** Domain patterns: `example.org` exactly, `*.example.org` any depth below it, `*` everything. */
export interface DomainRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Whether what is not allowed is refused. */
  readonly defaultDeny: boolean;
}

export interface EgressRule {
  /** IPv4, as `10.0.0.0/8`. */
  readonly cidr: string;
  /** Empty means 443. */
  readonly ports: readonly number[];
  readonly protocol: "TCP" | "UDP";
}

/** Names that may and may not be used; `allow: null` is no rule, deny beats allow. */
export interface NameRules {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

/** A tool server that the organisation knows. */
export interface ContractServer {
  readonly id: string;
  readonly name: string;
  /** Where it is; undefined when the contract does not say. */
  readonly endpoint: string | undefined;
}

/** What a tenant's machine has to keep to, as the server signed it. */
export interface Contract {
  readonly tenant: string;
  readonly instance: string;
  readonly contractId: string;
  readonly revision: number;
  readonly released: boolean;
  readonly suspended: boolean;
  readonly awarenessVersion: string | null;
  readonly domains: DomainRules | null;
  readonly egress: readonly EgressRule[];
  readonly tools: NameRules;
  readonly mcpServers: NameRules & { readonly servers: readonly ContractServer[] };
  /** Names of the skills that may be used; null is no rule. */
  readonly skills: readonly string[] | null;
  /** Rules that no machine can enforce, in words. */
  readonly advisory: readonly string[];
}

const LIST_MAX = 5_000;
const TEXT_MAX = 500;

/** Reads a signed payload. Throws Error naming the field that is wrong: a contract is followed whole or not at all. Pure. */
export function parseContract(raw: unknown): Contract {
  if (!isObject(raw)) throw new Error("the contract is no JSON object");
  const released = raw["released"] === true;
  const revision = raw["rev"];
  if (typeof revision !== "number" || !Number.isSafeInteger(revision) || revision < 0) throw new Error("the contract's rev is no whole number");
  const jti = raw["jti"];
  if (!released && jti === undefined) throw new Error("the contract's jti is missing");
  const domains = released ? null : (raw["domains"] ?? null);
  const tools = section(raw, "tools");
  const mcp = section(raw, "mcpServers");
  const entitled = section(raw, "skills")["entitled"] ?? null;
  const awareness = section(raw, "awareness")["contractVersion"] ?? null;
  if (!released && typeof raw["suspended"] !== "boolean") throw new Error("the contract's suspended is neither true nor false");
  return {
    tenant: text(raw["sub"], "sub"),
    instance: text(raw["instance"], "instance"),
    contractId: jti === undefined ? "" : text(jti, "jti"),
    revision,
    released,
    suspended: !released && raw["suspended"] === true,
    awarenessVersion: awareness === null ? null : text(awareness, "awareness.contractVersion"),
    domains: domains === null ? null : parseDomains(domains),
    egress: released ? [] : list(raw["egress"] ?? [], "egress").map(parseEgress),
    tools: { allow: names(tools["allow"], "tools.allow"), deny: names(tools["deny"], "tools.deny") ?? [] },
    mcpServers: { allow: names(mcp["allow"], "mcpServers.allow"), deny: names(mcp["deny"], "mcpServers.deny") ?? [], servers: list(mcp["servers"] ?? [], "mcpServers.servers").map((item) => ({ ...named(item, "mcpServers.servers"), endpoint: isObject(item) && typeof item["endpoint"] === "string" ? item["endpoint"] : undefined })) },
    skills: entitled === null ? null : list(entitled, "skills.entitled").map((item) => named(item, "skills.entitled").name),
    // Only told to people: long ones are cut, and none is a reason to leave the rules aside.
    advisory: list(raw["advisory"] ?? [], "advisory").flatMap((item) => (typeof item === "string" && item !== "" ? [item.slice(0, TEXT_MAX)] : [])),
  };
}

function section(raw: JsonObject, key: string): JsonObject {
  const value = raw[key] ?? {};
  if (!isObject(value)) throw new Error(`the contract's ${key} is no object`);
  return value;
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > LIST_MAX) throw new Error(`the contract's ${at} is no list of at most ${LIST_MAX}`);
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value !== "string" || value === "" || value.length > TEXT_MAX) throw new Error(`the contract's ${at} is no text`);
  return value;
}

function names(value: unknown, at: string): readonly string[] | null {
  return value === undefined || value === null ? null : list(value, at).map((item) => text(item, at));
}

function named(item: unknown, at: string): { readonly id: string; readonly name: string } {
  if (!isObject(item)) throw new Error(`the contract's ${at} holds something that is no object`);
  return { id: text(item["id"], `${at}.id`), name: text(item["name"], `${at}.name`) };
}

function parseDomains(raw: unknown): DomainRules {
  if (!isObject(raw) || typeof raw["defaultDeny"] !== "boolean") throw new Error("the contract's domains are no rules");
  return { allow: names(raw["allow"], "domains.allow") ?? [], deny: names(raw["deny"], "domains.deny") ?? [], defaultDeny: raw["defaultDeny"] };
}

function parseEgress(item: unknown): EgressRule {
  if (!isObject(item)) throw new Error("the contract's egress holds something that is no object");
  const protocol = item["protocol"] ?? "TCP";
  if (protocol !== "TCP" && protocol !== "UDP") throw new Error("the contract's egress.protocol is neither TCP nor UDP");
  const ports = list(item["ports"] ?? [], "egress.ports").map((port) => {
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) throw new Error("the contract's egress.ports holds no port");
    return port;
  });
  return { cidr: text(item["cidr"], "egress.cidr"), ports, protocol };
}
