import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GovernanceWorld } from "./governance-world";
import { eventually } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let world: GovernanceWorld;

beforeEach(async () => {
  world = await GovernanceWorld.open();
});

afterEach(() => world.close());

describe("OpenClaw's settings", () => {
  const rules = { tools: { allow: null, deny: ["exec"] }, mcpServers: { allow: ["docs"], deny: [], servers: [{ id: "s-1", name: "docs", transport: "sse", endpoint: "https://d" }] }, skills: { entitled: [{ id: "k", name: "news", scope: "org", version: "1", digest: "x" }] } };
  const mine = { channels: { badgerclaw: { accounts: {} } }, tools: { deny: ["browser"] }, mcp: { servers: { docs: { url: "https://d" }, shell: { command: "sh", env: { KEY: "very-secret-value" } } } }, skills: { entries: { mail: { enabled: true } } } };
  const kept = { tools: { deny: ["browser", "exec"] }, mcp: { servers: { docs: { url: "https://d" } } }, skills: { allowBundled: ["news"], entries: { mail: { enabled: false }, local: { enabled: false } } }, agents: { defaults: { skills: ["news"] } } };

  beforeEach(() => {
    world.writeOpenclaw(mine);
    mkdirSync(world.path("skills", "local"));
    writeFileSync(world.path("skills", "local", "SKILL.md"), "---\nname: local\n---\n");
  });

  it("keep to the contract, are put back when somebody changes them, and come back with the release", async () => {
    world.start();
    await eventually("linked", () => world.server.beats.length > 0);
    world.contracts.set(rules);
    await eventually("in place", () => world.told()?.enforcing.join() === "tools,mcpServers,skills");
    expect(world.openclaw()).toMatchObject(kept);
    expect(world.violations()).toEqual([]);
    expect(statSync(world.paths.ownerSettings).mode & 0o777).toBe(0o600);
    world.writeOpenclaw({ ...world.openclaw(), tools: { deny: ["browser"] }, mcp: mine.mcp });
    await eventually("put back", () => JSON.stringify(world.openclaw()["tools"]) === JSON.stringify(kept.tools) && JSON.stringify(world.openclaw()["mcp"]) === JSON.stringify(kept.mcp));
    await eventually("told", () => world.violations().length === 2);
    expect(world.violations().sort()).toEqual(["mcp shell", "tool exec"]);
    world.contracts.release();
    await eventually("as before", () => JSON.stringify(world.openclaw()["mcp"]) === JSON.stringify(mine.mcp));
    expect(world.openclaw()).toMatchObject({ channels: mine.channels, tools: mine.tools, skills: { entries: { mail: { enabled: true } } } });
    expect(JSON.stringify(world.openclaw())).not.toContain("news");
    expect(readFileSync(world.paths.daemonLog, "utf8")).not.toContain("very-secret-value");
    expect(JSON.stringify(world.server.beats)).not.toContain("very-secret-value");
  });

  it("that the next contract no longer rules come back, and others stay", async () => {
    world.start();
    await eventually("linked", () => world.server.beats.length > 0);
    world.contracts.set(rules);
    await eventually("in place", () => world.told()?.enforcing.includes("skills"));
    const next = world.contracts.set({ mcpServers: { allow: null, deny: [], servers: [] } });
    await world.untilRevision(next);
    await eventually("servers back", () => JSON.stringify(world.openclaw()["mcp"]) === JSON.stringify(mine.mcp));
    expect(world.openclaw()["tools"]).toEqual(kept.tools);
    expect(world.violations()).toEqual([]);
  });

  it("changed while no daemon ran are a violation of the next one", async () => {
    world.contracts.set(rules, true);
    world.start();
    await eventually("in place", () => world.told()?.enforcing.includes("tools"));
    await world.stop();
    world.writeOpenclaw({ ...world.openclaw(), tools: {} });
    world.start();
    await eventually("told", () => world.violations().includes("tool exec"));
    await eventually("put back", () => JSON.stringify(world.openclaw()["tools"]) === JSON.stringify(kept.tools));
  });

  it("that come with an OpenClaw installed later are nobody's violation", async () => {
    vi.stubEnv("PATH", world.path("empty"));
    rmSync(world.openclawFile);
    const revision = world.contracts.set(rules, true);
    world.start();
    await world.untilRevision(revision);
    await eventually("nothing to keep", () => world.told()?.enforcing.includes("tools"));
    world.writeOpenclaw(mine);
    await eventually("in place", () => JSON.stringify(world.openclaw()["tools"]) === JSON.stringify(kept.tools));
    await eventually("beaten", () => world.told()?.enforcing.includes("skills"));
    expect(world.violations()).toEqual([]);
  });

  it("come back even when the first try fails after the contract was set aside", async () => {
    world.contracts.set(rules, true);
    world.start();
    await eventually("in place", () => world.told()?.enforcing.includes("tools"));
    await world.stop();
    // Whoever starts the daemon next has another machine's id, and nobody governs it.
    vi.stubEnv("SETT_INSTANCE_ID", "machine-2");
    world.contracts.jws = undefined;
    const good = readFileSync(world.openclawFile, "utf8");
    writeFileSync(world.openclawFile, `// mine\n${good}`);
    const events = world.start();
    await eventually("set aside", () => events.find((event) => event.event === "governance" && event.detail.includes("set aside")));
    await eventually("tried", () => readFileSync(world.paths.daemonLog, "utf8").includes("has comments"));
    const now = vi.spyOn(Date, "now");
    const real = performance.timeOrigin + performance.now();
    now.mockImplementation(() => real + 120_000);
    writeFileSync(world.openclawFile, good);
    await eventually("as before", () => JSON.stringify(world.openclaw()["mcp"]) === JSON.stringify(mine.mcp));
    now.mockRestore();
  });

  it("that cannot be read are not said to be in place", async () => {
    writeFileSync(world.openclawFile, "{ // mine\n}");
    const revision = world.contracts.set({ ...rules, domains: { allow: ["allowed.test"], deny: [], defaultDeny: true } }, true);
    world.start();
    await world.untilRevision(revision);
    await eventually("said", () => world.state().governance?.problem?.includes("comments"));
    expect(world.told()?.enforcing).toEqual(["domains"]);
  });
});
