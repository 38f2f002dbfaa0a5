import { describe, expect, it } from "vitest";
import type { Contract } from "../../../cli/src/governance/contract";
import { isPrivateAddress, judge, matchesDomain, matchesEgress, mayConnect, plainHost, type NetworkRules } from "../../../cli/src/governance/network-rules";
import { holds, patchOf, ruledSettings, tamperedSubjects, valueAt } from "../../../cli/src/governance/openclaw-rules";
import { ViolationQueue, VIOLATIONS_PER_BEAT } from "../../../cli/src/governance/violations";
import { mergePatch } from "../../../cli/src/bots/openclaw-config";

/** Random numbers that are the same each time, so that a failure can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const LABELS = ["a", "b", "api", "example", "org", "evil", "x-y"];
const rules = (domains: NetworkRules["domains"], egress: NetworkRules["egress"] = []): NetworkRules => ({ domains, egress });
const only = (...allow: string[]): NetworkRules => rules({ allow, deny: [], defaultDeny: true });

describe("domains", () => {
  it("match exactly, below a wildcard, or everything", () => {
    expect(matchesDomain("example.org", "example.org")).toBe(true);
    expect(matchesDomain("Example.ORG.", "example.org")).toBe(true);
    expect(matchesDomain("example.org", "a.example.org")).toBe(false);
    expect(matchesDomain("*.example.org", "a.b.example.org")).toBe(true);
    expect(matchesDomain("*.example.org", "example.org")).toBe(false);
    expect(matchesDomain("*.example.org", "badexample.org")).toBe(false);
    expect(matchesDomain("*", "anything")).toBe(true);
    expect(matchesDomain("*.", "anything")).toBe(false);
    expect(matchesDomain("bücher.example", plainHost("BÜCHER.example"))).toBe(true);
  });

  it("hold as a model says, for thousands of random names and lists", () => {
    const next = numbers(7);
    const name = (): string => Array.from({ length: 1 + next(4) }, () => LABELS[next(LABELS.length)] ?? "a").join(".");
    const pattern = (): string => (next(8) === 0 ? "*" : next(2) === 0 ? `*.${name()}` : name());
    const covers = (p: string, host: string): boolean => {
      if (p === "*" || p === host) return true;
      const [want, have] = [p.slice(2).split("."), host.split(".")];
      return p.startsWith("*.") && have.length > want.length && have.slice(-want.length).join(".") === want.join(".");
    };
    for (let round = 0; round < 3_000; round += 1) {
      const allow = Array.from({ length: next(4) }, pattern);
      const deny = Array.from({ length: next(3) }, pattern);
      const [host, defaultDeny, port] = [name(), next(2) === 0, next(3) === 0 ? 8443 : 443];
      const denied = deny.some((p) => covers(p, host));
      const allowed = allow.some((p) => covers(p, host));
      const expected = !denied && (defaultDeny ? allowed && port === 443 : true);
      expect(judge(rules({ allow, deny, defaultDeny }), host, port).allow, JSON.stringify({ allow, deny, host, defaultDeny, port })).toBe(expected);
      // Spelling a name differently changes nothing, and allowing more never beats a denial.
      expect(judge(rules({ allow, deny, defaultDeny }), `${host.toUpperCase()}.`, port).allow).toBe(expected);
      if (denied) expect(judge(rules({ allow: [...allow, "*", host], deny, defaultDeny }), host, port).allow).toBe(false);
    }
  });

  it("are allowed on port 443 only, and refused names say why", () => {
    expect(judge(only("example.org"), "example.org", 80)).toMatchObject({ allow: false, kind: "domain" });
    expect(judge(only("example.org"), "other.org", 443)).toMatchObject({ allow: false, kind: "domain" });
    expect(judge(rules(null), "other.org", 8080).allow).toBe(true);
  });
});

describe("addresses", () => {
  const egress = [
    { cidr: "10.1.0.0/16", ports: [5432, 80], protocol: "TCP" as const },
    { cidr: "192.0.2.7", ports: [], protocol: "TCP" as const },
    { cidr: "198.51.100.0/24", ports: [53], protocol: "UDP" as const },
  ];

  it("go by network, port and protocol", () => {
    expect(matchesEgress(egress, "10.1.2.3", 5432)).toBe(true);
    expect(matchesEgress(egress, "10.1.2.3", 443)).toBe(false);
    expect(matchesEgress(egress, "10.2.0.0", 5432)).toBe(false);
    expect(matchesEgress(egress, "192.0.2.7", 443)).toBe(true);
    expect(matchesEgress(egress, "198.51.100.1", 53)).toBe(false);
    expect(matchesEgress([{ cidr: "0.0.0.0/99", ports: [80], protocol: "TCP" }], "1.2.3.4", 80)).toBe(false);
    expect(judge(rules({ allow: ["*"], deny: [], defaultDeny: true }, egress), "10.1.0.9", 80).allow).toBe(true);
    expect(judge(only("*"), "10.1.0.9", 443)).toMatchObject({ allow: false, kind: "egress" });
    expect(judge(rules(null, egress), "10.9.0.9", 80)).toMatchObject({ allow: false, kind: "egress" });
    expect(judge(rules(null), "10.9.0.9", 80).allow).toBe(true);
    expect(judge(only("*"), "[::1]", 443)).toMatchObject({ allow: false, kind: "egress" });
  });

  it("are the same address in every spelling", () => {
    for (const host of ["2001:db8::1", "[2001:0DB8:0:0::1]", "2001:db8:0:0:0:0:0:1", "2001:db8::1%eth0"]) expect(plainHost(host)).toBe("2001:db8::1");
    expect(judge(rules({ allow: [], deny: ["2001:db8::1", "evil.org"], defaultDeny: false }), "[2001:db8:0::1]", 443).allow).toBe(false);
    expect(judge(rules({ allow: [], deny: ["evil.org"], defaultDeny: false }), "evil.org...", 443).allow).toBe(false);
    for (const host of ["[::ffff:10.1.2.3]", "::ffff:a01:203", "0:0:0:0:0:ffff:a01:203", "10.1.2.3.", "0xa010203", "167838211"]) expect(plainHost(host)).toBe("10.1.2.3");
  });

  it("match as arithmetic says", () => {
    const next = numbers(11);
    const address = (): number => next(2 ** 32);
    const dotted = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    for (let round = 0; round < 2_000; round += 1) {
      const prefix = next(33);
      const network = address();
      const other = next(2) === 0 ? address() : (network ^ next(2 ** Math.max(1, 32 - prefix + next(2)))) >>> 0;
      const mask = prefix === 0 ? 0 : (2 ** 32 - 2 ** (32 - prefix)) >>> 0;
      const inside = ((network & mask) >>> 0) === ((other & mask) >>> 0);
      expect(matchesEgress([{ cidr: `${dotted(network)}/${prefix}`, ports: [443], protocol: "TCP" }], dotted(other), 443), `${dotted(network)}/${prefix} ${dotted(other)}`).toBe(inside);
    }
  });

  it("of this machine and its neighbours are reached by names that are allowed by themselves only", () => {
    for (const address of ["127.0.0.1", "10.0.0.1", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]) expect(isPrivateAddress(address), address).toBe(true);
    for (const address of ["1.1.1.1", "172.32.0.1", "2606:4700::1111"]) expect(isPrivateAddress(address), address).toBe(false);
    const exact = judge(only("db.corp"), "db.corp", 443);
    const wide = judge(only("*.corp"), "db.corp", 443);
    const covered = rules({ allow: ["*.corp"], deny: [], defaultDeny: true }, [{ cidr: "10.0.0.0/8", ports: [443], protocol: "TCP" }]);
    if (!exact.allow || !wide.allow) throw new Error("both are allowed");
    expect(mayConnect(only("db.corp"), exact, "10.0.0.1", 443)).toBe(true);
    expect(mayConnect(only("*.corp"), wide, "10.0.0.1", 443)).toBe(false);
    expect(mayConnect(only("*.corp"), wide, "1.1.1.1", 443)).toBe(true);
    expect(mayConnect(covered, wide, "10.0.0.1", 443)).toBe(true);
  });
});

describe("OpenClaw's settings", () => {
  const contract = (changes: Partial<Contract>): Contract => ({
    tenant: "acme",
    instance: "machine-1",
    contractId: "c",
    revision: 1,
    released: false,
    suspended: false,
    awarenessVersion: null,
    domains: null,
    egress: [],
    tools: { allow: null, deny: [] },
    mcpServers: { allow: null, deny: [], servers: [] },
    skills: null,
    advisory: [],
    ...changes,
  });
  /** The configuration after the contract was applied to it. */
  const applied = (rule: Partial<Contract>, config: Record<string, unknown>, skills: string[] = []) => {
    const settings = ruledSettings(contract(rule), config, config, skills, "https://sett.example");
    const after = mergePatch(config, patchOf(settings));
    for (const setting of settings) expect(holds(after, setting), setting.path.join(".")).toBe(true);
    return after;
  };

  it("stay as they are without a rule", () => {
    expect(ruledSettings(contract({}), { tools: { allow: ["x"] }, mcp: { servers: { a: {} } } }, {}, ["s"], "https://sett.example")).toEqual([]);
  });

  it("take the contract's tools, and never more than the owner allows", () => {
    expect(applied({ tools: { allow: ["read", "exec"], deny: ["exec"] } }, { tools: { alsoAllow: ["cron"], deny: ["browser"], profile: "coding" } })).toEqual({ tools: { allow: ["read", "exec"], deny: ["browser", "exec"], profile: "coding" } });
    expect(applied({ tools: { allow: ["read", "exec"], deny: [] } }, { tools: { allow: ["read", "cron"] } })).toEqual({ tools: { allow: ["read"] } });
    expect(applied({ tools: { allow: ["read"], deny: [] } }, { tools: { allow: ["group:fs"] } })).toEqual({ tools: { allow: ["read"] } });
    // An empty list would mean "no list" to OpenClaw.
    expect(applied({ tools: { allow: [], deny: [] } }, {})).toEqual({ tools: { deny: ["*"] } });
    expect(applied({ tools: { allow: ["*"], deny: ["exec"] } }, {})).toEqual({ tools: { deny: ["exec"] } });
  });

  it("turn off every skill that is not entitled, wherever it is named", () => {
    const config = { skills: { entries: { mail: { enabled: true, env: { A: "1" } } } }, agents: { list: [{ id: "main", skills: ["spy", "news"] }] } };
    expect(applied({ skills: ["news"] }, config, ["local"])).toEqual({
      agents: { defaults: { skills: ["news"] }, list: config.agents.list },
      skills: { allowBundled: ["news"], entries: { mail: { enabled: false, env: { A: "1" } }, spy: { enabled: false }, local: { enabled: false } } },
    });
    expect(valueAt(applied({ skills: [] }, {}), ["agents", "defaults", "skills"])).toEqual([]);
    expect(valueAt(applied({ skills: [] }, {}), ["skills", "allowBundled"])).toHaveLength(1);
  });

  it("lose the MCP servers that are not allowed, by name or id", () => {
    const config = { mcp: { servers: { docs: { url: "https://d" }, mail: { url: "https://m" }, shell: { command: "sh" } } } };
    const rule = { allow: ["id-1", "mail"], deny: ["mail"], servers: [{ id: "id-1", name: "docs", endpoint: "https://d/" }] };
    expect(applied({ mcpServers: rule }, config)).toEqual({ mcp: { servers: { docs: { url: "https://d" } } } });
  });

  it("lose a server that only bears the name of one that is allowed", () => {
    const rule = { allow: ["docs"], deny: [], servers: [{ id: "id-1", name: "docs", endpoint: "https://docs.example/mcp" }] };
    const left = (entry: Record<string, unknown>) => Object.keys((applied({ mcpServers: rule }, { mcp: { servers: { docs: entry } } }) as { mcp: { servers: object } }).mcp.servers);
    for (const entry of [{ url: "https://docs.example/mcp" }, { url: "https://docs.example/mcp/" }, { url: "https://sett.example/api/v1/mcp/id-1" }]) expect(left(entry), entry.url).toEqual(["docs"]);
    for (const entry of [{ url: "https://evil.example/mcp" }, { url: "https://docs.example/other" }, { url: "https://evil.example/api/v1/mcp/id-1" }, { command: "sh" }, { url: "nonsense" }]) expect(left(entry), JSON.stringify(entry)).toEqual([]);
  });

  it("survive names that are keys of every object", () => {
    const config = JSON.parse('{"mcp":{"servers":{"__proto__":{"command":"sh"},"constructor":{"command":"sh"}}}}') as Record<string, unknown>;
    const settings = ruledSettings(contract({ mcpServers: { allow: [], deny: [], servers: [] } }), config, config, [], "https://sett.example");
    expect(settings.map((setting) => setting.path[2])).toEqual(["__proto__", "constructor"]);
    expect(JSON.stringify(patchOf(settings))).toBe('{"mcp":{"servers":{"__proto__":null,"constructor":null}}}');
    expect(({} as Record<string, unknown>)["command"]).toBeUndefined();
  });

  it("name what somebody let in", () => {
    const allow = { path: ["tools", "allow"], want: ["read"], kind: "tool" as const };
    expect(tamperedSubjects({ tools: { allow: ["read", "exec"] } }, allow)).toEqual(["exec"]);
    expect(tamperedSubjects({}, allow)).toEqual(["tools.allow"]);
    expect(tamperedSubjects({ tools: { deny: [] } }, { path: ["tools", "deny"], want: ["exec"], kind: "tool" })).toEqual(["exec"]);
  });
});

describe("violations", () => {
  it("count once a minute, keep the newest 200, and go 20 at a time until they are told", () => {
    let now = 0;
    const queue = new ViolationQueue(() => now);
    expect(queue.add("domain", "x:443")).toBeDefined();
    expect(queue.add("domain", "x:443")).toBeUndefined();
    expect(queue.add("egress", "x:443")).toBeDefined();
    now = 60_000;
    expect(queue.add("domain", "x:443")).toBeDefined();
    for (let index = 0; index < 250; index += 1) queue.add("domain", `h${index}:443`);
    expect(queue.size).toBe(200);
    const first = queue.next();
    expect(first).toHaveLength(VIOLATIONS_PER_BEAT);
    expect(first[0]?.subject).toBe("h50:443");
    queue.told(first.map((violation) => violation.id));
    expect(queue.next()[0]?.subject).toBe("h70:443");
    expect(new Set(queue.next().map((violation) => violation.id)).size).toBe(20);
  });
});
