import { instanceObject } from "../../../durable-objects/stubs";
import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { ComputeError, type Compute, type Computer } from "../../kernel/ports/compute";
import { beginStep, bootPercent, bootVerdict, CHECK_ONLINE_MS, MEND_EVERY_MS, MISSING_MS, patience, pollMs, REBUILD_EVERY_MS, SILENCE_MS, STEP_TRIES, UNCERTAIN_MS } from "./provisioning.core";
import { updateVm, type CloudVm } from "./provisioning.store";
import { installCommand, parseProbe, probeCommand, setupCommand } from "./scripts.core";
import { openVmSecrets } from "./vm-secrets";

/** The steps of a cloud machine. Each does at most one thing at the provider that changes something, and says what the row is to become. */

/** `made`: the provider has a computer whose id must not be lost. */
export type StepOutcome = { readonly kind: "change"; readonly changes: Partial<CloudVm> } | { readonly kind: "made"; readonly computer: Computer };

/** How long a command on the computer may take: whatever takes longer runs in the background there. */
const COMMAND_MS = 20 * SECOND_MS;
/** What the set-up says on a disk that has no software (scripts.core). */
const NOT_INSTALLED = "sett: not installed";
/** When one that failed is looked at for the last time. */
const LOOK_AFTER_FAILURE_MS = MINUTE_MS;
/** Longest text of a machine that is shown as its progress. */
const DETAIL_MAX = 200;

const change = (changes: Partial<CloudVm>): StepOutcome => ({ kind: "change", changes });

/** The end of trying, until somebody restarts it. Its daemon may be heard all the same: that is looked at once more. */
export const failed = (reason: string, now: number): Partial<CloudVm> => ({ status: "failed", detail: reason, lastError: reason, lastErrorAt: now, settleAt: now + LOOK_AFTER_FAILURE_MS, settleAttempts: 0, rebootAt: null, wish: null });

/** @throws ComputeError */
export function takeStep(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  if (row.status === "online") return checkOnline(ctx, compute, row);
  if (row.status === "failed") return checkFailed(ctx, row);
  switch (row.step) {
    case "create":
      return create(ctx, compute, row);
    case "boot":
      return boot(ctx, compute, row);
    case "install":
      return install(ctx, compute, row);
    case "setup":
      return setUp(ctx, compute, row);
    case "online":
      return awaitBeat(ctx, row);
  }
}

/** Waits, or takes the next try of the same step, or gives up. */
function goOn(ctx: Ctx, row: CloudVm, changes: Partial<CloudVm>, gaveUp: string): StepOutcome {
  const now = ctx.clock.now();
  const waiting = patience(row, now);
  if (waiting.kind === "give_up") return change(failed(gaveUp, now));
  const due = { settleAt: now + pollMs(now - row.stepStartedAt), settleAttempts: 0 };
  return change(waiting.kind === "wait" ? { ...due, ...changes } : { ...due, ...changes, stepTries: waiting.stepTries, stepDeadlineAt: waiting.stepDeadlineAt });
}

/** A call of which nobody knows what came is looked for by its tag; only what the provider denies is asked for again. */
async function create(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  if (row.createCalledAt !== null) {
    const made = (await compute.list()).filter(({ tag, status }) => tag === row.tag && status !== "deleting").sort(byAge)[0];
    if (made) return { kind: "made", computer: made };
    const wait = row.createCalledAt + UNCERTAIN_MS - ctx.clock.now();
    if (wait > 0) return change({ settleAt: ctx.clock.now() + wait, detail: "The provider is slow; looking for what it made" });
  }
  const waiting = patience(row, ctx.clock.now());
  if (waiting.kind === "give_up") return change(failed("The provider did not make the computer in time.", ctx.clock.now()));
  // Written before the call, so that whoever comes after a crash looks before it asks.
  const calling = await markCreateCall(ctx, row);
  const computer = await compute.create({ tag: calling.tag, cpu: calling.cpu, ramGb: calling.ramGb, diskGb: calling.diskGb });
  return { kind: "made", computer };
}

const byAge = (a: Computer, b: Computer): number => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.id < b.id ? -1 : 1);

/** @throws LostUpdateError when the row changed, for example because it is to be destroyed: nothing is asked for then */
async function markCreateCall(ctx: Ctx, row: CloudVm): Promise<CloudVm> {
  const now = ctx.clock.now();
  await new Plan(ctx).guarded(updateVm(ctx, row, { createCalledAt: now })).commit();
  Object.assign(row, { createCalledAt: now, version: row.version + 1 });
  return row;
}

async function boot(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  const { computerId } = row;
  const now = ctx.clock.now();
  if (computerId === null) return change(beginStep("create", now));
  if (row.rebootAt !== null) {
    try {
      await compute.restart(computerId);
    } catch (error) {
      if (!(error instanceof ComputeError && error.fault === "gone")) throw error;
    }
    return change({ rebootAt: null, stepPercent: 30, settleAt: now + SECOND_MS, settleAttempts: 0 });
  }
  const computer = await compute.find(computerId);
  if (!computer) return missing(ctx, row);
  const seen = { missingSince: null, stepPercent: bootPercent(computer.status) };
  switch (bootVerdict(computer.status)) {
    case "up":
      return change({ missingSince: null, wish: null, ...beginStep(row.installedAt === null ? "install" : "setup", now), stepTries: row.stepTries });
    case "wait":
    case "going":
      return goOn(ctx, row, { ...seen, detail: computer.detail ?? `The computer is ${computer.status}` }, "The computer did not boot in time.");
    case "start":
      await compute.start(computerId);
      return goOn(ctx, row, { ...seen, detail: "Starting the computer" }, "The computer did not start in time.");
    case "broken":
      if (row.stepTries + 1 >= STEP_TRIES) return change(failed(`The provider reports an error${computer.detail === null ? "" : `: ${computer.detail}`}.`, now));
      await compute.restart(computerId);
      return goOn(ctx, row, { ...seen, stepTries: row.stepTries + 1, detail: "The provider reports an error; restarting the computer" }, "The computer did not boot.");
  }
}

/** The provider denies the computer. Believed when it does so twice, some time apart; then it is made anew, once a day. */
function missing(ctx: Ctx, row: CloudVm): StepOutcome {
  const now = ctx.clock.now();
  if (row.missingSince === null) return change({ missingSince: now, settleAt: now + MISSING_MS, detail: "The provider does not find the computer; looking again" });
  const wait = row.missingSince + MISSING_MS - now;
  if (wait > 0) return change({ settleAt: now + wait });
  const lost = { computerId: null, workspaceId: null, workspaceName: null, installedAt: null, beatsSince: null, missingSince: null, rebootAt: null };
  if (row.mendedAt !== null && row.mendedAt > now - REBUILD_EVERY_MS) return change({ ...lost, ...failed("The provider lost the computer. Restart it to have it made anew.", now) });
  ctx.log.warn("a lost cloud machine is made anew", { event: "cloud_vm.rebuild", cloud_vm_id: row.id, computer_id: row.computerId });
  return change({ ...lost, ...beginStep("create", now), mendedAt: now, detail: "The provider lost the computer; making it anew" });
}

/** Runs a command on the computer. Null when it is not up, or gone: then the boot sees to it. */
async function runThere(compute: Compute, row: CloudVm, command: string): Promise<{ readonly exitCode: number; readonly output: string } | null> {
  if (row.computerId === null) return null;
  try {
    return await compute.run(row.computerId, command, COMMAND_MS);
  } catch (error) {
    if (error instanceof ComputeError && (error.fault === "gone" || error.fault === "not_ready")) return null;
    throw error;
  }
}

/**
 * After a command that the computer did not take. One that runs all the same is not far enough yet, and is waited for; any other goes back to
 * the boot, and its tries go on counting: a computer that comes and goes must not do so for ever.
 */
async function notUp(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  const computer = row.computerId === null ? null : await compute.find(row.computerId);
  const now = ctx.clock.now();
  if (computer && bootVerdict(computer.status) === "up") return goOn(ctx, row, { detail: "Waiting for the computer to take commands" }, "The computer takes no commands.");
  if (row.stepTries + 1 >= STEP_TRIES) return change(failed("The computer does not stay up.", now));
  return change({ ...beginStep("boot", now), stepTries: row.stepTries + 1, settleAt: now + SECOND_MS });
}

async function install(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  const probed = await runThere(compute, row, probeCommand());
  if (!probed) return notUp(ctx, compute, row);
  const now = ctx.clock.now();
  const state = parseProbe(probed.output);
  switch (state?.state) {
    case "done":
      return change({ installedAt: now, ...beginStep("setup", now), stepTries: row.stepTries });
    case "running":
      return goOn(ctx, row, { stepPercent: Math.max(row.stepPercent, state.percent), detail: shown(state.detail) ?? row.detail }, `The installation took too long${told(state.detail)}.`);
    case "failed":
      if (row.stepTries + 1 >= STEP_TRIES) return change(failed(`The installation failed${told(state.detail)}.`, now));
      break;
    case "absent":
    case undefined:
      break;
  }
  const started = await runThere(compute, row, installCommand({ serverUrl: row.serverUrl, installsRuntime: compute.installsRuntime }));
  if (!started) return notUp(ctx, compute, row);
  const again = state?.state === "failed" || started.exitCode !== 0;
  if (again && row.stepTries + 1 >= STEP_TRIES) return change(failed(`The installation does not start${told(started.output)}.`, now));
  return goOn(ctx, row, again ? { stepTries: row.stepTries + 1, stepPercent: 0, detail: "The installation failed; trying again", lastError: shown(state?.detail ?? started.output), lastErrorAt: now } : {}, "The installation took too long.");
}

async function setUp(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  const secrets = await openVmSecrets(ctx, row);
  const before = ctx.clock.now();
  if (!secrets) return change(failed("Its secrets do not open any more. Destroy it and make another.", before));
  const done = await runThere(compute, row, setupCommand({ serverUrl: row.serverUrl, instanceId: row.instanceId, fingerprint: fingerprintOf(row), token: secrets.token, label: row.name, env: secrets.env, watchesRuntime: compute.installsRuntime }));
  if (!done) return notUp(ctx, compute, row);
  const now = ctx.clock.now();
  if (done.exitCode === 0) return change({ ...beginStep("online", now), stepTries: row.stepTries, beatsSince: before, settleAt: now + SECOND_MS });
  // Its disk was lost or made anew.
  if (done.output.includes(NOT_INSTALLED) && row.stepTries + 1 < STEP_TRIES) return change({ ...beginStep("install", now), installedAt: null, stepTries: row.stepTries + 1 });
  // Nothing of its output is kept: what was set up is secret.
  if (row.stepTries + 1 >= STEP_TRIES) return change(failed(`The daemon could not be started (exit code ${done.exitCode}).`, now));
  return goOn(ctx, row, { stepTries: row.stepTries + 1, detail: `The daemon could not be started (exit code ${done.exitCode}); trying again` }, "The daemon could not be started in time.");
}

/** One per machine for ever: it is the machine's own even when many run on one host. */
const fingerprintOf = (row: CloudVm): string => row.id.replaceAll("-", "").padEnd(64, "0");

/** Whether its daemon was heard since the last set-up, and is still there. */
async function isHeard(ctx: Ctx, row: CloudVm): Promise<boolean> {
  const ref = { userId: row.tenantId, instanceId: row.instanceId };
  const summary = await instanceObject(ctx.objects, ref).getSummary(ref);
  return row.beatsSince !== null && summary?.lastHeartbeat != null && Date.parse(summary.lastHeartbeat) >= row.beatsSince && summary.reachable;
}

/** Its daemon is heard. The next look is far off: a silence tells of itself, unless that message is lost. */
const online = (now: number): Partial<CloudVm> => ({ status: "online", step: "online", stepPercent: 100, stepTries: 0, detail: null, lastError: null, lastErrorAt: null, missingSince: null, settleAt: now + CHECK_ONLINE_MS, settleAttempts: 0, wish: null });

async function awaitBeat(ctx: Ctx, row: CloudVm): Promise<StepOutcome> {
  const isThere = await isHeard(ctx, row);
  const now = ctx.clock.now();
  if (isThere) return change(online(now));
  const waiting = patience(row, now);
  if (waiting.kind === "give_up") return change(failed("The daemon was started but was never heard of.", now));
  if (waiting.kind === "retry") return change({ ...beginStep("setup", now), stepTries: waiting.stepTries });
  return change({ settleAt: now + pollMs(now - row.stepStartedAt), settleAttempts: 0 });
}

async function checkFailed(ctx: Ctx, row: CloudVm): Promise<StepOutcome> {
  return change((await isHeard(ctx, row)) ? online(ctx.clock.now()) : { settleAt: null, settleAttempts: 0 });
}

/** A machine that should be up was not heard of, or the provider's list did not show it. */
async function checkOnline(ctx: Ctx, compute: Compute, row: CloudVm): Promise<StepOutcome> {
  if (row.computerId === null) return change(beginStep("create", ctx.clock.now()));
  const [heard, computer] = await Promise.all([isHeard(ctx, row), compute.find(row.computerId)]);
  const now = ctx.clock.now();
  if (!computer) return missing(ctx, row);
  if (bootVerdict(computer.status) !== "up") return change({ missingSince: null, ...beginStep("boot", now), detail: computer.detail ?? `The computer is ${computer.status}` });
  if (heard) return change({ missingSince: null, settleAt: now + CHECK_ONLINE_MS, settleAttempts: 0 });
  const silentMs = await silenceOf(ctx, row, now);
  if (silentMs < SILENCE_MS) return change({ missingSince: null, settleAt: now + SILENCE_MS - silentMs, settleAttempts: 0 });
  const silent = `It runs, but was not heard of for ${Math.round(silentMs / 60_000)} minutes`;
  if (row.mendedAt !== null && row.mendedAt > now - MEND_EVERY_MS) return change(failed(`${silent}. Restart it.`, now));
  return change({ missingSince: null, ...beginStep("boot", now), rebootAt: now, mendedAt: now, detail: `${silent}; restarting it` });
}

/** ms since its last sign of life. */
async function silenceOf(ctx: Ctx, row: CloudVm, now: number): Promise<number> {
  const ref = { userId: row.tenantId, instanceId: row.instanceId };
  const summary = await instanceObject(ctx.objects, ref).getSummary(ref);
  const last = Math.max(row.beatsSince ?? 0, summary?.lastHeartbeat == null ? 0 : Date.parse(summary.lastHeartbeat), summary?.offlineSince == null ? 0 : Date.parse(summary.offlineSince));
  return now - last;
}

/** What a machine says of itself, in one short line. */
function shown(text: string): string | null {
  const line = text.replace(/\p{C}+/gu, " ").trim();
  return line === "" ? null : line.slice(0, DETAIL_MAX);
}

const told = (text: string): string => {
  const line = shown(text);
  return line === null ? "" : `: ${line}`;
};
