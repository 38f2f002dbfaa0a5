import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readText } from "../../../cli/src/core/files";
import { runCommand } from "../../../cli/src/watch/run-command";
import type { WatchEntry } from "../../../cli/src/watch/watch-entry";
import { eventually, pidExists } from "./support";
import { GATEWAY, GovernanceWorld, type ToldGovernance } from "./governance-world";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let world: GovernanceWorld;

beforeEach(async () => {
  world = await GovernanceWorld.open();
});

afterEach(() => world.close());

const deny = { domains: { allow: ["allowed.test"], deny: [], defaultDeny: true } };

/** Asks the proxy that a process was given for a tunnel: the status of its answer. */
function tunnelStatus(proxy: string, authority: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(proxy);
    const asking = request({ host: hostname, port, method: "CONNECT", path: authority });
    asking.on("connect", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    asking.on("error", reject);
    asking.end();
  });
}

async function gatewayProxy(): Promise<string> {
  return eventually("the gateway runs behind a proxy", () => {
    const line = world.gatewayLog().at(-1) ?? "";
    return line.startsWith("proxy http") && world.watched("gateway")?.["status"] === "running" && line.slice("proxy ".length);
  });
}

describe("a contract", () => {
  it("nobody set changes nothing", async () => {
    world.start();
    await eventually("running", () => world.watched("gateway")?.["status"] === "running");
    await eventually("asked", () => world.contracts.asked === 1);
    expect(world.told()).toBeUndefined();
    expect(await world.proxyOf("gateway")).toBe("none");
  });

  it("with words of any length beside its rules is followed", async () => {
    const revision = world.contracts.set({ ...deny, advisory: ["two policies: ".repeat(200), "short"] }, true);
    world.start();
    expect((await world.untilRevision(revision)).enforcing).toContain("domains");
  });

  it("is followed at once: the gateway goes through the proxy, a refused name is told early and once", async () => {
    const events = world.start();
    await eventually("running", () => world.watched("gateway")?.["status"] === "running");
    const revision = world.contracts.set(deny);
    expect(await world.untilRevision(revision)).toMatchObject({ awareness_version: "awareness/v1alpha1", violations: [] });
    const proxy = await gatewayProxy();
    expect(await world.proxyOf("worker")).toBe("none");
    await eventually("enforcing", () => world.told()?.enforcing.includes("domains"));
    expect(await tunnelStatus(proxy, "allowed.test:443")).toBe(502);
    expect(await tunnelStatus(proxy, "refused.test:443")).toBe(403);
    expect(await tunnelStatus(proxy, "refused.test:443")).toBe(403);
    await eventually("told", () => world.violations().length > 0);
    const [violation] = (world.server.beats.map((beat) => beat["governance"] as ToldGovernance | undefined).find((told) => (told?.violations.length ?? 0) > 0)?.violations) ?? [];
    expect(violation).toMatchObject({ kind: "domain", subject: "refused.test:443" });
    expect(Number.isNaN(Date.parse(violation?.at ?? ""))).toBe(false);
    world.server.sendAll({ t: "pace", beat_ms: 250, until: new Date(Date.now() + 60_000).toISOString() });
    await eventually("dropped once answered", () => world.told()?.violations.length === 0);
    expect(world.violations()).toEqual(["domain refused.test:443"]);
    expect(events.filter((event) => event.event === "violation")).toHaveLength(1);
    expect(statSync(world.paths.contract).mode & 0o777).toBe(0o600);
  });

  it("goes over streams and beats too, and a beat's answer is enough to hear of it", async () => {
    world.start({ transport: "beats" });
    await eventually("a beat", () => world.server.beats.length > 0);
    const revision = world.contracts.set(deny, true);
    world.server.contract = { id: "anything", revision };
    await eventually("asked", () => world.contracts.asked === 1);
    // A changed process makes the next beat come early.
    process.kill(Number(world.watched("worker")?.["pid"]), "SIGKILL");
    const told = await world.untilRevision(revision);
    expect(world.beat()["instance_id"]).toBe("machine-1");
    expect(told.contract_id).not.toBe("");
  });

  it("tells at most 20 violations a beat, and all of them", async () => {
    world.contracts.set(deny, true);
    world.start();
    const proxy = await gatewayProxy();
    await Promise.all(Array.from({ length: 45 }, (_, index) => tunnelStatus(proxy, `h${index}.test:443`)));
    await eventually("all told", () => world.violations().length === 45);
    for (const beat of world.server.beats) expect((beat["governance"] as ToldGovernance | undefined)?.violations.length ?? 0).toBeLessThanOrEqual(20);
  });

  it("stays in force without the server, after a restart, on the same port", async () => {
    const revision = world.contracts.set(deny, true);
    world.start();
    await world.untilRevision(revision);
    const proxy = await gatewayProxy();
    await world.stop();
    await world.server.kill();
    const events = world.start();
    await eventually("the gateway runs", () => events.some((event) => event.event === "process" && event.name === "gateway" && event.status === "running"));
    expect(await world.proxyOf("gateway")).toBe(proxy);
    expect(await tunnelStatus(proxy, "refused.test:443")).toBe(403);
    expect(await tunnelStatus(proxy, "allowed.test:443")).toBe(502);
    await world.server.start();
    await eventually("told later", () => world.violations().includes("domain refused.test:443"));
  });

  it.each([
    ["nonsense", (text: string) => text.slice(0, text.length / 2)],
    ["another tenant's rules", (text: string) => text.replace(/"jws":"([^.]+)\.([^.]+)\./, (_all, header: string, payload: string) => `"jws":"${header}.${Buffer.from(Buffer.from(payload, "base64url").toString().replace("allowed.test", "anythin.test")).toString("base64url")}.`)],
    ["nothing", () => ""],
  ])("that was made %s on disk denies every domain until a valid one arrives", async (_what, spoil) => {
    world.contracts.set(deny, true);
    world.start();
    const proxy = await gatewayProxy();
    await world.stop();
    writeFileSync(world.paths.contract, spoil(readFileSync(world.paths.contract, "utf8")));
    world.contracts.status = 503;
    const starts = world.gatewayLog().length;
    const events = world.start();
    await eventually("said", () => events.find((event) => event.event === "governance" && !event.ok && event.detail.includes("every domain is denied")));
    await eventually("started", () => world.gatewayLog().length > starts);
    expect(await world.proxyOf("gateway")).toBe(proxy);
    expect(await tunnelStatus(proxy, "allowed.test:443")).toBe(403);
    world.contracts.status = undefined;
    await eventually("whole again", () => events.find((event) => event.event === "governance" && event.ok));
    await eventually("told", () => world.violations().includes("domain allowed.test:443"));
    expect(await tunnelStatus(proxy, "allowed.test:443")).toBe(502);
  });

  it("ends with a signed release, and not with a 404", async () => {
    world.contracts.set(deny, true);
    world.start();
    const proxy = await gatewayProxy();
    const { jws } = world.contracts;
    world.contracts.jws = undefined;
    const asked = world.contracts.asked;
    world.server.emit({ type: "contract", contract_id: "x", revision: 9 });
    await eventually("asked", () => world.contracts.asked > asked);
    expect(await tunnelStatus(proxy, "refused.test:443")).toBe(403);
    world.contracts.jws = jws;
    world.contracts.release();
    await eventually("free", () => world.told()?.revision === 2 && world.told()?.enforcing.length === 0 && world.watched("gateway")?.["status"] === "running");
    await eventually("without proxy", () => world.gatewayLog().at(-1) === "proxy none");
    await expect(tunnelStatus(proxy, "refused.test:443")).rejects.toThrow();
  });
});

describe("what is no valid contract", () => {
  const cases: Array<[string, (payload: Record<string, unknown>) => Record<string, unknown>, Record<string, unknown>]> = [
    ["for somebody else", (payload) => ({ ...payload, aud: "other" }), {}],
    ["for another machine", (payload) => ({ ...payload, instance: "machine-2" }), {}],
    ["of another kind", (payload) => payload, { typ: "JWT" }],
    ["signed with another algorithm", (payload) => payload, { alg: "none" }],
    ["signed with an unknown key", (payload) => payload, { kid: "other" }],
    ["older", (payload) => ({ ...payload, rev: 1 }), {}],
    ["another of the same revision", (payload) => ({ ...payload, rev: 2, jti: "other" }), {}],
    ["malformed", (payload) => ({ ...payload, egress: [{ cidr: "10.0.0.0/8", ports: ["443"] }] }), {}],
  ];

  it.each(cases)("%s is not applied, and the last one stays", async (_what, change, header) => {
    world.contracts.set({}, true);
    world.contracts.set(deny, true);
    const events = world.start();
    const proxy = await gatewayProxy();
    await world.untilRevision(2);
    const open = { ...world.contracts.payload({ domains: { allow: ["*"], deny: [], defaultDeny: false } }), rev: 3, jti: "three" };
    world.contracts.jws = world.contracts.sign(change(open), header);
    world.server.emit({ type: "contract", contract_id: "x", revision: 3 });
    await eventually("refused", () => events.find((event) => event.event === "governance" && !event.ok && event.detail.includes("not applied")));
    expect(await tunnelStatus(proxy, "refused.test:443")).toBe(403);
    expect(world.told()?.revision).toBe(2);
    await eventually("said", () => world.state().governance?.problem?.includes("not applied"));
    expect(world.state().governance?.revision).toBe(2);
    expect(world.violations().filter((violation) => !violation.startsWith("domain"))).toEqual([]);
  });

  it("forged with the right key id is refused by its signature", async () => {
    const events = world.start();
    await eventually("linked", () => world.server.beats.length > 0);
    world.contracts.set(deny, true);
    const good = world.contracts.jws ?? "";
    world.contracts.jws = `${good.slice(0, -10)}${good.slice(-10).split("").reverse().join("")}`;
    world.server.emit({ type: "contract", contract_id: "x", revision: 1 });
    await eventually("refused", () => events.some((event) => event.event === "governance" && !event.ok && event.detail.includes("signature")));
    expect(world.told()).toBeUndefined();
  });

  it("a rotated key is fetched when a contract names it", async () => {
    const first = world.contracts.set({}, true);
    const now = vi.spyOn(Date, "now");
    world.start();
    await world.untilRevision(first);
    expect(world.contracts.keysAsked).toBe(1);
    const real = performance.timeOrigin + performance.now();
    now.mockImplementation(() => real + 60_000);
    world.contracts.rotate("key-2");
    const second = world.contracts.set(deny);
    await world.untilRevision(second);
    expect(world.contracts.keysAsked).toBe(2);
    now.mockRestore();
  });
});

describe("a suspended machine", () => {
  it("stops the gateway, does no commands, and goes on when it is resumed", async () => {
    world.start();
    const pid = await eventually("running", () => world.watched("gateway")?.["status"] === "running" && Number(world.watched("gateway")?.["pid"]));
    world.contracts.set({ suspended: true });
    await eventually("stopped", () => world.watched("gateway")?.["status"] === "stopped" && world.beat()["gateway_status"] === "stopped");
    expect(pidExists(pid)).toBe(false);
    expect(world.watched("worker")?.["status"]).toBe("running");
    const command = world.server.addCommand("c-1", "restart_gateway");
    world.server.deliver(command);
    // A process that crashes is still brought back, the gateway is not.
    process.kill(Number(world.watched("worker")?.["pid"]), "SIGKILL");
    await eventually("worker again", () => Number(world.watched("worker")?.["restarts"]) > 0);
    expect(command).toMatchObject({ acks: 0, results: [] });
    expect(world.watched("gateway")?.["status"]).toBe("stopped");
    world.contracts.set({ suspended: false });
    await eventually("running again", () => world.watched("gateway")?.["status"] === "running");
    await eventually("then it is done", () => command.results.length > 0);
    expect(command.results[0]).toMatchObject({ status: "success" });
  });

  it("takes no command from the moment on, however long the gateway takes to end", async () => {
    const slow: WatchEntry = { ...GATEWAY, command: [process.execPath, "-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"] };
    const events = world.start({ flagEntries: [slow] });
    const pid = await eventually("running", () => world.watched("gateway")?.["status"] === "running" && Number(world.watched("gateway")?.["pid"]));
    world.contracts.set({ suspended: true });
    await eventually("said", () => events.find((event) => event.event === "governance" && event.suspended));
    const command = world.server.addCommand("c-1", "collect_diagnostics");
    world.server.deliver(command);
    await eventually("stopped", () => !pidExists(pid) && world.watched("gateway")?.["status"] === "stopped");
    expect(command).toMatchObject({ acks: 0, results: [] });
  });

  it("stays stopped across a restart of the daemon, also without the server", async () => {
    const revision = world.contracts.set({ suspended: true }, true);
    world.start();
    await world.untilRevision(revision);
    await eventually("stopped", () => world.watched("gateway")?.["status"] === "stopped");
    await world.stop();
    await world.server.kill();
    const events = world.start();
    await eventually("worker runs", () => events.some((event) => event.event === "process" && event.name === "worker" && event.status === "running"));
    expect(events.some((event) => event.event === "process" && event.name === "gateway" && event.status === "running")).toBe(false);
    await world.server.start();
    world.contracts.set({ suspended: false }, true);
    await eventually("resumed", () => world.watched("gateway")?.["status"] === "running");
  });

  it("stops a gateway that a former daemon left running", async () => {
    world.start({ leaveRunning: true });
    const pid = await eventually("running", () => world.watched("gateway")?.["status"] === "running" && Number(world.watched("gateway")?.["pid"]));
    await world.stop();
    expect(pidExists(pid)).toBe(true);
    world.contracts.set({ suspended: true }, true);
    world.start();
    await eventually("stopped", () => world.watched("gateway")?.["status"] === "stopped");
    expect(pidExists(pid)).toBe(false);
  });
});

describe("a gateway that this daemon did not start", () => {
  /** An OpenClaw gateway as a service of its own would run it. */
  async function foreignGateway(): Promise<number> {
    await runCommand([world.path("bin", "openclaw"), "gateway", "start"], 10_000);
    return eventually("the service runs", () => Number(readText(world.path("openclaw", "gateway.pid")) ?? 0));
  }

  afterEach(() => {
    const pid = Number(readText(world.path("openclaw", "gateway.pid")) ?? 0);
    if (pidExists(pid)) process.kill(pid, "SIGKILL");
  });

  it("is stopped by its own means while the machine is suspended, whoever starts it again, and started afterwards", async () => {
    const pid = await foreignGateway();
    world.start({ openclaw: true, flagEntries: [] });
    await eventually("seen", () => world.beat()["gateway_status"] === "running" && world.beat()["gateway_pid"] === pid);
    world.contracts.set({ suspended: true });
    await eventually("stopped", () => !pidExists(pid) && world.beat()["gateway_status"] !== "running");
    const again = await foreignGateway().then((first) => eventually("another", () => Number(readText(world.path("openclaw", "gateway.pid")) ?? 0) || first));
    await eventually("stopped again", () => !pidExists(again));
    world.contracts.set({ suspended: false });
    await eventually("runs again", () => world.beat()["gateway_status"] === "running" && world.beat()["gateway_pid"] !== pid);
  });

  it("is not said to keep to network rules", async () => {
    await foreignGateway();
    const events = world.start({ openclaw: true, flagEntries: [] });
    world.contracts.set({ ...deny, tools: { allow: null, deny: ["exec"] } }, true);
    await eventually("linked", () => world.server.linked);
    world.server.emit({ type: "contract", contract_id: "x", revision: 1 });
    await eventually("said", () => events.find((event) => event.event === "governance" && event.detail.includes("did not start")));
    await eventually("told", () => world.told()?.enforcing.join() === "tools");
  });
});
