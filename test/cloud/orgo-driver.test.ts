import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { createOrgo } from "../../src/integrations/orgo/orgo";
import { ComputeError, type Compute, type Computer, type ComputeFault } from "../../src/kernel/ports/compute";
import { orgo } from "../support/cloud/provider";
import { faultOf, testCompute } from "../support/compute/conformance";
import type { Fault } from "../support/orgo/faults.mjs";

/** Our client of Orgo through every fault of Orgo's. */

const { ORGO_BASE_URL: baseUrl, ORGO_API_KEY: apiKey } = env as unknown as { readonly ORGO_BASE_URL: string; readonly ORGO_API_KEY: string };
/** For calls that never get an answer. */
const SHORT_MS = 300;
const PATIENT_MS = 5_000;
const SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LXNoYWxsLXNlZQ";

type Options = Partial<Parameters<typeof createOrgo>[0]> & { readonly retryWaitsMs?: readonly number[] };

/** A driver as a new isolate has it. No call is repeated unless the test says so. */
const driver = ({ retryWaitsMs = [], ...config }: Options = {}): Compute => createOrgo({ driver: "orgo", apiKey, baseUrl, workspaceName: "sett", timeoutMs: PATIENT_MS, ...config }, { retryWaitsMs });
const spec = (tag = "sett-a") => ({ tag, cpu: 2, ramGb: 8, diskGb: null });

/** The error that `work` ends with; it tells no secret, wherever it goes. */
async function failure(work: Promise<unknown>): Promise<ComputeError> {
  const error: unknown = await work.then(() => null, (caught: unknown) => caught);
  if (!(error instanceof ComputeError)) throw new Error(`no ComputeError: ${String(error)}`);
  expect(`${error.message} ${String(error.cause)} ${String(error.providerRequestId)}`).not.toMatch(new RegExp(`${apiKey}|${SECRET}|orgo\\.test|https?:`));
  return error;
}
async function untilSome<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  for (;;) {
    const found = await look();
    if (found.length > 0) return found;
  }
}
const kindsOf = async () => (await orgo.calls()).map(({ call }) => call);

beforeEach(() => orgo.reset());

testCompute("orgo", async () => ({ compute: driver() }));

interface Subject {
  readonly compute: Compute;
  readonly computer: Computer;
  /** For commands. */
  readonly timeoutMs: number;
}
interface Act {
  readonly call: NonNullable<Fault["call"]>;
  readonly before?: (id: string) => Promise<void>;
  readonly work: (subject: Subject) => Promise<unknown>;
  /** Whether it took effect. */
  readonly done: (id: string) => Promise<boolean>;
  readonly repeatable: boolean;
}

const statusOf = async (id: string) => (await orgo.lives()).find((life) => life.id === id)?.status;
const ACTS: Readonly<Record<string, Act>> = {
  create: { call: "create", work: ({ compute }) => compute.create(spec("sett-b")), done: async () => (await orgo.alive()).some(({ name }) => name === "sett-b"), repeatable: false },
  find: { call: "get", work: ({ compute, computer }) => compute.find(computer.id), done: async () => true, repeatable: true },
  list: { call: "list", work: ({ compute }) => compute.list(), done: async () => true, repeatable: true },
  start: { call: "start", before: (id) => orgo.setStatus(id, "stopped"), work: ({ compute, computer }) => compute.start(computer.id), done: async (id) => (await statusOf(id)) === "running", repeatable: true },
  stop: { call: "stop", work: ({ compute, computer }) => compute.stop(computer.id), done: async (id) => (await statusOf(id)) === "stopped", repeatable: true },
  restart: { call: "restart", work: ({ compute, computer }) => compute.restart(computer.id), done: async (id) => (await orgo.machine(id)).boots > 1, repeatable: false },
  destroy: { call: "destroy", work: ({ compute, computer }) => compute.destroy(computer.id), done: async () => (await orgo.alive()).length === 0, repeatable: true },
  run: { call: "bash", work: ({ compute, computer, timeoutMs }) => compute.run(computer.id, `# sett:install ${SECRET}`, timeoutMs), done: async (id) => (await orgo.machine(id)).install !== null, repeatable: false },
};
const acts = Object.entries(ACTS);

/** A running computer, and a driver that has found the workspace. */
async function prepare(act: Act, options: Options = {}): Promise<Subject> {
  const compute = driver(options);
  const computer = await driver().create(spec());
  expect((await compute.create(spec())).id).toBe(computer.id);
  await act.before?.(computer.id);
  await orgo.clearCalls();
  return { compute, computer, timeoutMs: options.timeoutMs ?? PATIENT_MS };
}

describe("a fault of a call", () => {
  const unsaid = { error: `no: ${SECRET} at https://orgo.test/x with ${apiKey}` };
  const cases: readonly (readonly [string, Fault, ComputeFault, "done" | "not done"])[] = [
    ["refused connection", { kind: "refuse" }, "unavailable", "not done"],
    ["lost answer", { kind: "lose_answer" }, "unavailable", "done"],
    ["500", { kind: "status_500" }, "unavailable", "not done"],
    ["503", { kind: "status_503" }, "unavailable", "not done"],
    ["500 after the effect", { kind: "status_500_after" }, "unavailable", "done"],
    ["429", { kind: "status_429" }, "unavailable", "not done"],
    ["402", { kind: "status_402" }, "capacity", "not done"],
    ["never an answer", { kind: "hang" }, "unavailable", "done"],
    ["never an answer nor an effect", { kind: "hang_before" }, "unavailable", "not done"],
    ["a page", { kind: "garbage" }, "unavailable", "not done"],
    ["a page after the effect", { kind: "garbage_after" }, "unavailable", "done"],
    ["401", { kind: "answer", status: 401, ...unsaid }, "unauthorized", "not done"],
    ["403", { kind: "answer", status: 403, error: "workspace_scope_mismatch" }, "unauthorized", "not done"],
    ["403 of the desktop", { kind: "answer", status: 403, ...unsaid, upstreamStatus: 403 }, "unavailable", "not done"],
    ["a proxy's 403", { kind: "answer", status: 403 }, "unavailable", "not done"],
    ["a proxy's 404", { kind: "answer", status: 404 }, "unavailable", "not done"],
    ["404 of the desktop", { kind: "answer", status: 404, ...unsaid, upstreamStatus: 404 }, "unavailable", "not done"],
    ["408", { kind: "answer", status: 408, ...unsaid }, "unavailable", "not done"],
    ["422", { kind: "answer", status: 422, ...unsaid }, "refused", "not done"],
    ["a redirect", { kind: "answer", status: 302 }, "unavailable", "not done"],
  ];
  describe.each(cases)("%s", (_, fault, expected, effect) => {
    it.each(acts)("of %s", async (name, act) => {
      const subject = await prepare(act, fault.kind.startsWith("hang") ? { timeoutMs: SHORT_MS } : {});
      await orgo.arm({ ...fault, call: act.call });
      expect((await failure(act.work(subject))).fault).toBe(expected);
      expect((await orgo.calls()).filter(({ call }) => call === act.call)).toHaveLength(1);
      if (name !== "find" && name !== "list") expect(await act.done(subject.computer.id)).toBe(effect === "done");
    });
  });

  it.each(acts.filter(([name]) => name !== "create" && name !== "list"))("409 is busy: %s", async (_, act) => {
    const subject = await prepare(act);
    await orgo.arm({ kind: "answer", call: act.call, status: 409, error: "Conflict" });
    expect((await failure(act.work(subject))).fault).toBe("busy");
  });

  it.each(acts.filter(([name]) => name !== "create" && name !== "list"))("400 without an instance is not ready: %s", async (_, act) => {
    const subject = await prepare(act);
    await orgo.arm({ kind: "answer", call: act.call, status: 400, error: "Desktop instance not available" });
    expect((await failure(act.work(subject))).fault).toBe("not_ready");
  });

  it("is known to the provider by the id of its request", async () => {
    await orgo.arm({ kind: "status_500", call: "create" });
    expect((await failure(driver().create(spec()))).providerRequestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("does not matter to a slow answer in time", async () => {
    await orgo.arm({ kind: "slow", call: "create", ms: 60 });
    expect(await driver().create(spec())).toMatchObject({ tag: "sett-a" });
  });

  it("by which the provider asks for more time than there is ends the call", async () => {
    const compute = driver({ timeoutMs: 900, retryWaitsMs: [1, 1] });
    const { id } = await compute.create(spec());
    await orgo.arm({ kind: "status_429", call: "get", times: 9 });
    expect((await failure(compute.find(id))).fault).toBe("unavailable");
    expect((await kindsOf()).filter((kind) => kind === "get")).toHaveLength(1);
  });

  it("that takes effect after we gave up leaves one computer", async () => {
    await orgo.arm({ kind: "late", call: "create", ms: SHORT_MS + 100 });
    expect((await failure(driver({ timeoutMs: SHORT_MS }).create(spec()))).fault).toBe("unavailable");
    const compute = driver();
    const found = await untilSome(() => compute.list());
    expect((await compute.create(spec())).id).toBe(found[0]?.id);
    expect(await orgo.mostAtOnce()).toBe(1);
  });
});

describe("another try", () => {
  const retryWaitsMs = [1, 1, 1];

  it.each(acts.filter(([, act]) => act.repeatable))("is made where it does no harm: %s", async (_, act) => {
    for (const kind of ["refuse", "lose_answer", "status_503", "status_500_after", "garbage"] as const) {
      await orgo.reset();
      const subject = await prepare(act, { retryWaitsMs });
      await orgo.arm({ kind, call: act.call, times: 3 });
      await act.work(subject);
      expect((await orgo.calls()).filter(({ call }) => call === act.call)).toHaveLength(4);
      expect(await act.done(subject.computer.id)).toBe(true);
    }
  });

  it.each(acts)("is made when nothing was done for sure: %s", async (_, act) => {
    const subject = await prepare(act, { retryWaitsMs });
    await orgo.arm({ kind: "answer", call: act.call, status: 429, error: "Too many requests", times: 2 });
    await act.work(subject);
    expect((await orgo.calls()).filter(({ call }) => call === act.call)).toHaveLength(3);
    expect(await act.done(subject.computer.id)).toBe(true);
  });

  it.each(acts.filter(([, act]) => !act.repeatable))("is not made where a second one would matter: %s", async (_, act) => {
    const subject = await prepare(act, { retryWaitsMs });
    await orgo.arm({ kind: "status_500_after", call: act.call });
    expect((await failure(act.work(subject))).fault).toBe("unavailable");
    expect((await orgo.calls()).filter(({ call }) => call === act.call)).toHaveLength(1);
  });

  it("is not made after a clear answer, nor past the time limit", async () => {
    const compute = driver({ retryWaitsMs: [1, 60_000] });
    const { id } = await compute.create(spec());
    await orgo.arm({ kind: "answer", call: "stop", status: 422, error: "no" });
    expect((await failure(compute.stop(id))).fault).toBe("refused");
    await orgo.clearCalls();
    await orgo.arm({ kind: "status_500", call: "start", times: 9 });
    expect((await failure(compute.start(id))).fault).toBe("unavailable");
    expect(await kindsOf()).toEqual(["start", "start"]);
  });
});

describe("create", () => {
  it("asks for a computer of the size that never sleeps", async () => {
    await driver().create(spec("sett-a"));
    await driver().create({ ...spec("sett-b"), diskGb: 40 });
    expect(await orgo.lives()).toMatchObject([
      { name: "sett-a", cpu: 2, ram: 8, disk: 8, autoStopMinutes: 0 },
      { name: "sett-b", cpu: 2, ram: 8, disk: 40, autoStopMinutes: 0 },
    ]);
  });

  it("keeps nothing of the screen's password", async () => {
    const compute = driver();
    const made = await compute.create(spec());
    for (const computer of [made, await compute.find(made.id), ...(await compute.list())]) {
      expect(Object.keys(computer ?? {}).sort()).toEqual(["createdAt", "detail", "id", "status", "tag", "workspaceId", "workspaceName"]);
    }
    expect(made).toMatchObject({ workspaceName: "sett", workspaceId: (await orgo.workspaces())[0]?.id, detail: null });
  });

  it.each([400, 409, 500] as const)("takes the computer that has the name, told by %s", async (takenStatus) => {
    await orgo.setWays({ takenStatus });
    const compute = driver({ retryWaitsMs: [1, 1, 1] });
    await orgo.arm({ kind: "lose_answer", call: "create" });
    await failure(compute.create(spec()));
    const second = await compute.create(spec());
    expect(await orgo.lives()).toMatchObject([{ id: second.id }]);
  });

  it("takes the oldest of several", async () => {
    const first = await driver().create(spec());
    await orgo.addTwin(first.id);
    expect((await driver().create(spec())).id).toBe(first.id);
  });

  it("does not know while the name is taken by nothing that is shown, or by what goes", async () => {
    const compute = driver();
    const { id } = await compute.create(spec());
    await orgo.hide(id, { lists: 1 });
    expect((await failure(compute.create(spec()))).fault).toBe("unavailable");
    expect((await compute.create(spec())).id).toBe(id);
    await orgo.setWays({ deleting: { ms: 0, looks: 3 } });
    await compute.destroy(id);
    expect((await failure(compute.create(spec()))).fault).toBe("unavailable");
    expect(await orgo.mostAtOnce()).toBe(1);
  });

  it("is refused for good what Orgo does not sell, in its words", async () => {
    const error = await failure(driver().create({ ...spec(), ramGb: 5 }));
    expect([error.fault, error.message]).toEqual(["refused", expect.stringContaining("ram must be one of")]);
    expect(await orgo.lives()).toEqual([]);
  });
});

describe("the workspace", () => {
  it("is made on first use and looked for once per isolate", async () => {
    const compute = driver();
    await compute.create(spec("sett-a"));
    await compute.create(spec("sett-b"));
    expect(await kindsOf()).toEqual(["list_workspaces", "make_workspace", "list_workspaces", "create", "create"]);
    expect(await orgo.workspaces()).toHaveLength(1);
  });

  it("is not made by looking", async () => {
    expect(await driver().list()).toEqual([]);
    expect(await orgo.workspaces()).toEqual([]);
  });

  it("is one, also when many isolates make it at once", async () => {
    await Promise.all(["a", "b", "c", "d"].map((name) => driver().create(spec(`sett-${name}`))));
    expect(await orgo.workspaces()).toHaveLength(1);
    expect((await driver().list()).map(({ tag }) => tag).sort()).toEqual(["sett-a", "sett-b", "sett-c", "sett-d"]);
  });

  it("that came to be twice is the oldest for everybody, and none of the other's computers is overlooked", async () => {
    const younger = await orgo.addWorkspace("sett", { createdAt: 2_000 });
    const early = driver();
    await early.create(spec("sett-a"));
    const older = await orgo.addWorkspace("sett", { createdAt: 1_000 });
    const late = driver();
    await late.create(spec("sett-b"));
    expect(await orgo.lives()).toMatchObject([{ workspaceId: younger.id }, { workspaceId: older.id }]);
    for (const compute of [early, late]) expect((await compute.list()).map(({ tag }) => tag).sort()).toEqual(["sett-a", "sett-b"]);
  });

  it("is found again after the answer to its making was lost", async () => {
    await orgo.arm({ kind: "lose_answer", call: "make_workspace" });
    await driver().create(spec());
    expect(await orgo.workspaces()).toHaveLength(1);
  });

  it("is made anew when somebody deletes it", async () => {
    const compute = driver();
    const { id, workspaceId } = await compute.create(spec());
    await orgo.removeWorkspace(workspaceId ?? "");
    expect([await compute.list(), await compute.find(id)]).toEqual([[], null]);
    expect((await compute.create(spec())).workspaceId).not.toBe(workspaceId);
  });

  it("may be named by its id, which nobody else can give to theirs", async () => {
    const ours = await orgo.addWorkspace("sett");
    await orgo.addWorkspace("sett", { userId: "somebody", createdAt: 1 });
    expect((await failure(driver().create(spec()))).fault).toBe("refused");
    expect((await driver({ workspaceName: ours.id }).create(spec())).workspaceId).toBe(ours.id);
    expect((await failure(driver({ workspaceName: crypto.randomUUID() }).create(spec()))).fault).toBe("refused");
    expect(await orgo.workspaces()).toHaveLength(2);
  });

  it.each(["desktops", "computers", "projects"] as const)("is understood in the shape of `%s`", async (shape) => {
    await orgo.setWays({ shape });
    const { id } = await driver().create(spec());
    expect(await driver().list()).toMatchObject([{ id, tag: "sett-a", status: "running", workspaceName: "sett" }]);
  });
});

describe("list", () => {
  it("shows each computer once, also those that are not ours, and none of other workspaces", async () => {
    const compute = driver();
    const { id } = await compute.create(spec());
    await orgo.addComputer("somebody-elses");
    await orgo.addComputer("elsewhere", "other");
    await orgo.showTwice(id);
    expect((await compute.list()).map(({ tag }) => tag)).toEqual(["sett-a", "somebody-elses"]);
  });

  it("is no list when one of its parts is missing", async () => {
    const compute = driver();
    await compute.create(spec());
    await orgo.arm({ kind: "answer", call: "list", status: 200, error: "no list" });
    expect((await failure(compute.list())).fault).toBe("unavailable");
  });
});

describe("a computer", () => {
  it("is gone only when Orgo says so", async () => {
    const compute = driver();
    const { id } = await compute.create(spec());
    await orgo.hide(id, { gets: 1 });
    expect(await compute.find(id)).toBeNull();
    expect(await compute.find(id)).toMatchObject({ id });
    await orgo.lose(id);
    expect(await compute.find(id)).toBeNull();
    expect(await faultOf(compute.restart(id))).toBe("gone");
  });

  it("boots, and takes no command before", async () => {
    await orgo.setWays({ boot: { ms: 0, looks: 2 } });
    const compute = driver();
    const { id, status } = await compute.create(spec());
    expect([status, await faultOf(compute.run(id, "echo", 1_000)), (await compute.find(id))?.status, (await compute.find(id))?.status]).toEqual(["starting", "not_ready", "starting", "running"]);
  });

  it.each(["creating", "stopping", "suspended", "error"] as const)("is %s when Orgo says so", async (status) => {
    const compute = driver();
    const { id } = await compute.create(spec());
    await orgo.setStatus(id, status);
    expect(await compute.find(id)).toMatchObject({ status, detail: null });
  });

  it("on a legacy host is stopped and started instead of restarted", async () => {
    const compute = driver({ retryWaitsMs: [1, 1] });
    const { id } = await compute.create(spec());
    await orgo.setLegacy(id);
    await orgo.clearCalls();
    await orgo.arm({ kind: "answer", call: "start", status: 409, error: "Computer is stopping", times: 2 });
    await compute.restart(id);
    expect(await kindsOf()).toEqual(["restart", "stop", "start", "start", "start"]);
    expect([await statusOf(id), (await orgo.machine(id)).boots]).toEqual(["running", 2]);
  });
});

describe("run", () => {
  it("passes on nothing of what Orgo says of a command, which it may repeat", async () => {
    const compute = driver();
    const { id } = await compute.create(spec());
    await orgo.arm({ kind: "answer", call: "bash", status: 400, error: "sh: line 1: sk-1: not found", upstreamStatus: 400 });
    expect(await failure(compute.run(id, "sk-1", 1_000))).toMatchObject({ fault: "refused", message: expect.not.stringContaining("sk-1") });
  });

  it("is nothing without an exit code", async () => {
    const compute = driver();
    const { id } = await compute.create(spec());
    await orgo.arm({ kind: "answer", call: "bash", status: 200, error: "none" });
    expect((await failure(compute.run(id, "true", 1_000))).fault).toBe("unavailable");
  });
});

describe("our scripts on a machine of the double", () => {
  const text = (name: string, settings?: unknown) => `# sett:${name}${settings === undefined ? "" : ` ${btoa(JSON.stringify(settings)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`}\necho real`;
  const probe = async (compute: Compute, id: string) => JSON.parse((await compute.run(id, text("probe"), 1_000)).output.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;

  it("install, tell how far they are, and set up", async () => {
    await orgo.setInstalling({ probes: 2, failures: [{ at: 1, detail: "no space left" }] });
    const compute = driver();
    const { id } = await compute.create(spec());
    expect(await probe(compute, id)).toMatchObject({ sett: 1, state: "absent" });
    expect((await compute.run(id, text("setup", { token: SECRET }), 1_000)).exitCode).toBe(1);
    await compute.run(id, text("install", { server_url: "https://sett.test" }), 1_000);
    expect(await probe(compute, id)).toMatchObject({ state: "failed", detail: "no space left" });
    await compute.run(id, text("install", { server_url: "https://sett.test" }), 1_000);
    expect([await probe(compute, id), await probe(compute, id)]).toMatchObject([{ state: "running", percent: 50, detail: "part 1 of 2" }, { state: "done", percent: 100 }]);
    expect(await compute.run(id, text("setup", { instance_id: "i-1", token: SECRET }), 1_000)).toMatchObject({ exitCode: 0 });
    expect(await orgo.machine(id)).toMatchObject({ install: { state: "done" }, setup: { instance_id: "i-1", token: SECRET }, setups: 1 });
    expect(JSON.stringify(await orgo.calls())).not.toContain(SECRET);
  });
});
