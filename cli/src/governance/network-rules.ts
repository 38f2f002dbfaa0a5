import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Contract, EgressRule } from "./contract";

/** What the agents of this machine may reach. `domains: null` and no egress rules is no rule at all. */
export type NetworkRules = Pick<Contract, "domains" | "egress">;

/** In force while nobody knows what the contract says. */
export const DENY_ALL: NetworkRules = { domains: { allow: [], deny: [], defaultDeny: true }, egress: [] };

export type Verdict =
  | { readonly allow: true; readonly mayBePrivate: boolean }
  | { readonly allow: false; readonly kind: "domain" | "egress"; readonly reason: string };

const HTTPS_PORT = 443;

/** Addresses that mean this machine or its neighbours. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 127],
  ["64:ff9b::", 96],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/** Whether the rules restrict anything. Pure. */
export function restricts(rules: NetworkRules): boolean {
  return rules.domains !== null || rules.egress.length > 0;
}

/** A host as rules compare it: lower case, ASCII, no brackets, no final dots, addresses in one spelling; an IPv4 address in IPv6 clothes undressed. Pure. */
export function plainHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, "").replace(/\.+$/, "").toLowerCase();
  if (isIP(bare) === 6) return plainIpv6(bare);
  return isIP(bare) === 4 ? bare : domainToASCII(bare) || bare;
}

function plainIpv6(address: string): string {
  // URLs know one spelling of an address, and no zones: the same address in another zone is none that rules tell apart.
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const words = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (words === null) return canonical;
  const [high, low] = [Number.parseInt(words[1] ?? "", 16), Number.parseInt(words[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whether a domain pattern covers a plain host. Pure. */
export function matchesDomain(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  if (!pattern.startsWith("*.")) return plainHost(pattern) === host;
  const base = plainHost(pattern.slice(2));
  return base !== "" && host.length > base.length + 1 && host.endsWith(`.${base}`);
}

/** Whether an IPv4 address and TCP port are in one of the rules. A rule that cannot be read allows nothing. Pure. */
export function matchesEgress(rules: readonly EgressRule[], address: string, port: number): boolean {
  return isIP(address) === 4 && rules.some((rule) => rule.protocol === "TCP" && (rule.ports.length === 0 ? port === HTTPS_PORT : rule.ports.includes(port)) && inNetwork(rule.cidr, address));
}

function inNetwork(cidr: string, address: string): boolean {
  const [network = "", prefix = "32", ...rest] = cidr.split("/");
  if (isIP(network) !== 4 || rest.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), "ipv4");
  return list.check(address, "ipv4");
}

/** Whether an address is loopback, private, link-local or otherwise not of the public network. Pure. */
export function isPrivateAddress(address: string): boolean {
  const plain = plainHost(address);
  const family = isIP(plain);
  return family === 0 || PRIVATE.check(plain, family === 4 ? "ipv4" : "ipv6");
}

/**
 * Whether a host and port may be reached. Addresses go by the egress rules, names by the domains, and allowed names on port
 * 443 only. `mayBePrivate` says whether a name may lead to this machine or its neighbours: only when it was allowed by itself. Pure.
 */
export function judge(rules: NetworkRules, host: string, port: number): Verdict {
  const plain = plainHost(host);
  return isIP(plain) === 0 ? judgeName(rules, plain, port) : judgeAddress(rules, plain, port);
}

function judgeAddress(rules: NetworkRules, address: string, port: number): Verdict {
  const { domains, egress } = rules;
  if (domains?.deny.some((pattern) => matchesDomain(pattern, address)) === true) return { allow: false, kind: "egress", reason: "the contract denies this address" };
  if (matchesEgress(egress, address, port)) return { allow: true, mayBePrivate: true };
  const open = domains === null ? egress.length === 0 : !domains.defaultDeny;
  return open ? { allow: true, mayBePrivate: true } : { allow: false, kind: "egress", reason: "no egress rule of the contract allows this address and port" };
}

function judgeName(rules: NetworkRules, name: string, port: number): Verdict {
  const { domains } = rules;
  if (domains === null) return { allow: true, mayBePrivate: false };
  if (domains.deny.some((pattern) => matchesDomain(pattern, name))) return { allow: false, kind: "domain", reason: "the contract denies this domain" };
  const exact = domains.allow.some((pattern) => !pattern.startsWith("*") && matchesDomain(pattern, name));
  if (!domains.defaultDeny) return { allow: true, mayBePrivate: exact };
  if (!exact && !domains.allow.some((pattern) => matchesDomain(pattern, name))) return { allow: false, kind: "domain", reason: "the contract does not allow this domain" };
  if (port !== HTTPS_PORT) return { allow: false, kind: "domain", reason: `the contract allows this domain on port ${HTTPS_PORT} only` };
  return { allow: true, mayBePrivate: exact };
}

/**
 * Whether an allowed name may be connected at an address that it resolved to. Where there are egress rules and none for names, they decide:
 * any address can be given a name. Pure.
 */
export function mayConnect(rules: NetworkRules, verdict: Extract<Verdict, { allow: true }>, address: string, port: number): boolean {
  if (matchesEgress(rules.egress, plainHost(address), port)) return true;
  if (rules.domains === null && rules.egress.length > 0) return false;
  return verdict.mayBePrivate || !isPrivateAddress(address);
}
