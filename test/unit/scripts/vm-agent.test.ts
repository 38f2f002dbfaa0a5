import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { whyNoMachines } from "../../../scripts/lib/vm-agent/agent.mjs";
import { createProcessDriver } from "../../../src/integrations/process/process-driver";
import type { Compute, Computer } from "../../../src/kernel/ports/compute";
import { processesOf, startAgent, until, type StartedAgent } from "../../support/vm-agent/start";

const SPEC = { cpu: 1, ramGb: 4, diskGb: null };
const RUN_MS = 5_000;

let stateDir: string;
let agent: StartedAgent;
let compute: Compute;

const connect = ({ url, token }: StartedAgent): Compute => createProcessDriver({ driver: "process", agentUrl: url, agentToken: token, timeoutMs: 15_000 });
const begin = async (): Promise<void> => {
  agent = await startAgent(stateDir);
  compute = connect(agent);
};
const untilStatus = (id: string, status: Computer["status"]): Promise<Computer> =>
  until(async () => {
    const computer = await compute.find(id);
    return computer?.status === status ? computer : undefined;
  });
const up = async (tag: string): Promise<string> => {
  const { id } = await compute.create({ tag, ...SPEC });
  await untilStatus(id, "running");
  return id;
};
const sh = async (id: string, command: string): Promise<string> => {
  const { exitCode, output } = await compute.run(id, command, RUN_MS);
  expect(exitCode, output).toBe(0);
  return output.trim();
};
/** Who sleeps that long: each test has lengths of its own. */
const sleepersOf = (seconds: number): number[] => processesOf(`sleep\0${seconds}`);
const homeOf = (id: string): string => join(stateDir, "vms", id, "home");

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "sett-agent-"));
  await begin();
});
afterEach(async () => {
  for (const { id } of await compute.list()) await compute.destroy(id);
});
afterAll(async () => {
  await agent.kill("SIGTERM");
  expect(processesOf(stateDir)).toEqual([]);
  rmSync(stateDir, { recursive: true, force: true });
});

describe("a local machine", () => {
  it("is made once for a tag, boots, and runs commands as if it were a computer", async () => {
    const [one, two] = await Promise.all([compute.create({ tag: "den", ...SPEC }), compute.create({ tag: "den", ...SPEC })]);
    expect(two.id).toBe(one.id);
    expect(one).toMatchObject({ tag: "den", detail: null, workspaceId: null });
    expect(await compute.list()).toHaveLength(1);
    await untilStatus(one.id, "running");
    expect(await sh(one.id, 'echo "$HOME"; pwd')).toBe(`${homeOf(one.id)}\n${homeOf(one.id)}`);
    expect(await sh(one.id, "node --version && npm --version")).toMatch(/^v\d+\.\d+\.\d+\n\d+\./);
    expect(await compute.run(one.id, "echo out; echo err >&2; exit 3", RUN_MS)).toEqual({ exitCode: 3, output: "out\nerr\n" });
    expect(statSync(homeOf(one.id)).mode & 0o777).toBe(0o700);
  });

  it("knows nothing of its server's environment, and shows no command to others", async () => {
    const id = await up("secrets");
    const names = (await sh(id, "env")).split("\n").map((line) => line.split("=")[0]).sort();
    expect(names).toEqual(["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SETT_VM", "SHELL", "TMPDIR", "USER"]);
    expect(await sh(id, "KEY=sk-hidden; cat /proc/$$/cmdline | tr '\\0' ' '")).not.toContain("sk-hidden");
  });

  it("ends a command that takes too long, and goes on", async () => {
    const id = await up("slow");
    await expect(compute.run(id, "sleep 97", 200)).rejects.toMatchObject({ fault: "unavailable" });
    expect(await sh(id, "echo on")).toBe("on");
    expect(sleepersOf(97)).toEqual([]);
  });

  it("does not wait for what a command leaves in the background", async () => {
    const id = await up("background");
    const startedAt = Date.now();
    await sh(id, "sleep 98 & echo left");
    expect(Date.now() - startedAt).toBeLessThan(RUN_MS);
    await until(() => sleepersOf(98).length === 1);
  });

  it("keeps its disk and its boot script over a restart, and nothing that ran", async () => {
    const id = await up("again");
    await sh(id, `mkdir -p .sett; echo 'echo "$$" >> "$HOME/boots"; exec sleep 1000' > .sett/boot.sh; echo kept > file; (sleep 1000 &)`);
    const before = processesOf(id);
    await compute.restart(id);
    await untilStatus(id, "running");
    expect(await sh(id, "cat file")).toBe("kept");
    await until(() => existsSync(join(homeOf(id), "boots")));
    expect(processesOf(id).filter((pid) => before.includes(pid))).toEqual([]);
  });

  it("stops, refuses commands, and starts again; both are harmless twice", async () => {
    const id = await up("off");
    await compute.stop(id);
    await compute.stop(id);
    expect(await compute.find(id)).toMatchObject({ status: "stopped" });
    expect(processesOf(id)).toEqual([]);
    await expect(compute.run(id, "true", RUN_MS)).rejects.toMatchObject({ fault: "not_ready" });
    await compute.start(id);
    await compute.start(id);
    await untilStatus(id, "running");
  });

  it("lets its processes say goodbye when it stops", async () => {
    const id = await up("goodbye");
    await sh(id, `(trap 'echo bye > "$HOME/bye"; exit' TERM; touch ready; while :; do sleep 0.05; done) >/dev/null 2>&1 & while ! [ -f ready ]; do sleep 0.05; done`);
    await compute.stop(id);
    expect(readFileSync(join(homeOf(id), "bye"), "utf8")).toBe("bye\n");
  });

  it("is gone for good once destroyed, daemons in sessions of their own included", async () => {
    const id = await up("gone");
    await sh(id, "setsid nohup sleep 1001 >/dev/null 2>&1 & setsid env -i sleep 1002 >/dev/null 2>&1 & sleep 0.5");
    await compute.destroy(id);
    expect(await compute.find(id)).toBeNull();
    expect([...processesOf(id), ...sleepersOf(1001), ...sleepersOf(1002)]).toEqual([]);
    expect(existsSync(join(stateDir, "vms", id))).toBe(false);
    await compute.destroy(id);
    await expect(compute.restart(id)).rejects.toMatchObject({ fault: "gone" });
    await expect(compute.run(id, "true", RUN_MS)).rejects.toMatchObject({ fault: "gone" });
  });

  it("may be destroyed while it does anything else", async () => {
    const id = await up("busy");
    const others = Promise.allSettled([compute.restart(id), compute.stop(id), compute.start(id), compute.run(id, "sleep 1003", RUN_MS)]);
    await compute.destroy(id);
    for (const outcome of await others) if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ name: "ComputeError" });
    expect(await compute.list()).toEqual([]);
    expect(processesOf(id)).toEqual([]);
  });

  it("whose init is killed is off, with nothing left, until it is started", async () => {
    const id = await up("cut");
    await sh(id, "setsid sleep 1004 >/dev/null 2>&1 & sleep 0.1");
    for (const pid of processesOf("vm-agent/init.mjs")) if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(id)) process.kill(pid, "SIGKILL");
    await untilStatus(id, "stopped");
    await until(() => processesOf(id).length === 0);
    await compute.start(id);
    await untilStatus(id, "running");
  });
});

describe("the agent", () => {
  it("takes its own token only", async () => {
    await expect(connect({ ...agent, token: "another" }).list()).rejects.toMatchObject({ fault: "unauthorized" });
    await expect(connect({ ...agent, url: "http://127.0.0.1:9" }).list()).rejects.toMatchObject({ fault: "unavailable" });
    for (const id of ["..", "../../etc", "x/y", "%2e%2e", ""]) expect(await compute.find(id)).toBeNull();
  });

  it("leaves nothing behind when it is killed, and boots what ran when it comes back", async () => {
    const [ran, stopped] = await Promise.all([up("ran"), up("stopped")]);
    await sh(ran, `mkdir -p .sett; echo 'setsid sleep 1005' > .sett/boot.sh; setsid nohup sleep 1006 >/dev/null 2>&1 &`);
    await compute.stop(stopped);
    await agent.kill();
    await until(() => processesOf(ran).length === 0 && sleepersOf(1006).length === 0);

    // What a dying agent may leave: a folder without a machine, and a machine on its way out.
    mkdirSync(join(stateDir, "vms", "0f0f0f0f-0000-4000-8000-000000000000", "home"), { recursive: true });
    const record = join(stateDir, "vms", stopped, "vm.json");
    writeFileSync(record, readFileSync(record, "utf8").replace('"wanted":"stopped"', '"wanted":"destroyed"'));
    await begin();
    expect(readdirSync(join(stateDir, "vms"))).toEqual([ran]);
    await untilStatus(ran, "running");
    await until(() => sleepersOf(1005).length === 1);
    expect(await compute.list()).toHaveLength(1);
  });

  it("ends everything when it is asked to end", async () => {
    const id = await up("last");
    await agent.kill("SIGTERM");
    expect(processesOf(id)).toEqual([]);
    await begin();
    await untilStatus(id, "running");
  });

  it("says why there is none", () => {
    expect(whyNoMachines({}, "linux", "local")).toBeNull();
    expect(whyNoMachines({ SETT_VMS: "off" }, "linux", "local")).toMatch(/SETT_VMS/);
    expect(whyNoMachines({}, "linux", "production")).toMatch(/production/);
    expect(whyNoMachines({}, "win32", "local")).toMatch(/Windows/);
    expect(whyNoMachines({}, "linux", "local", "0.0.0.0")).toMatch(/SETT_VMS=on/);
    expect(whyNoMachines({ SETT_VMS: "on" }, "linux", "local", "0.0.0.0")).toBeNull();
  });
});
