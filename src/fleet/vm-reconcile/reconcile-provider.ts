import { chunked } from "../../kernel/db/chunked";
import { Plan } from "../../kernel/db/client";
import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { describeError } from "../../kernel/logging/logger";
import { ComputeError, type Compute, type Computer } from "../../kernel/ports/compute";
import { keepComputer, STUCK_MS, vmOfTag } from "../vm-provisioning";
import { findFinding, listOpenFindings, noteFinding, openFinding, resolveFindings } from "./findings.store";
import { reconcile, type Action, type SeenComputer, type VmFacts } from "./reconcile.core";
import { listVmFacts, listVmFactsOf, wakeVm } from "./vm-reconcile.store";

const PAGE = 500;
/** What one comparison does of each kind; the next one finds the rest. */
const ACTIONS_MAX = 100;
const FINDINGS_MAX = 200;
const OPEN_MAX = 5_000;
/** Administrators are told that a provider does not answer after so many times in a row. */
const FAILURES_SHOWN = 3;
/** Longer than a step's lease: what is due later than this waits, and may be woken. */
const LEASE_MAX_MS = 2 * MINUTE_MS;

/**
 * Job `cloud_vms.reconcile`: compares the provider's whole list with our rows, in both directions, and acts on what differs. Harmless when
 * repeated. Nothing changes while the provider does not answer; the next tick asks again.
 */
export async function reconcileProvider(ctx: Ctx): Promise<void> {
  const { compute } = ctx.services;
  if (!compute) return;
  const listedAt = ctx.clock.now();
  const computers = await listComputers(ctx, compute);
  if (!computers) return;
  const seen = await Promise.all(computers.map(async (computer): Promise<SeenComputer> => ({ computer, vmId: await vmOfTag(ctx.config.tokenKeys, computer.tag) })));
  const known = await listOpenFindings(ctx, compute.driver, OPEN_MAX);
  // After the list: a row is always there before its computer. After the findings: a machine is unpaid before somebody says so.
  const rows = await readRows(ctx, compute.driver, seen);
  const now = ctx.clock.now();
  const { actions, open, resolve } = reconcile({ now, listedAt, stuckBefore: now - STUCK_MS, seen: namedByRow(seen, rows), rows, known });
  const plan = new Plan(ctx);
  for (const finding of open.slice(0, FINDINGS_MAX)) plan.write(openFinding(ctx, { ...finding, driver: compute.driver }, now));
  for (const some of chunked(resolve.slice(0, FINDINGS_MAX))) plan.write(resolveFindings(ctx, some, now));
  await plan.commit();
  for (const kind of ["destroy", "adopt", "look"] as const) for (const action of actions.filter((one) => one.kind === kind).slice(0, ACTIONS_MAX)) await tryAct(ctx, compute, action, now);
  if (actions.length > 0 || open.length > 0) {
    ctx.log.info("the provider's computers were compared", { event: "cloud_vms.reconciled", driver: compute.driver, computers: computers.length, actions: actions.length, findings: open.length, resolved: resolve.length });
  }
}

/** Every row of the provider, and the tombstones that a listed computer names. */
async function readRows(ctx: Ctx, driver: string, seen: readonly SeenComputer[]): Promise<VmFacts[]> {
  const rows: VmFacts[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page = await listVmFacts(ctx, driver, after, PAGE);
    rows.push(...page);
    after = page.length === PAGE ? page.at(-1)?.id : undefined;
  }
  const known = new Set(rows.map(({ id }) => id));
  const named = new Set(seen.flatMap(({ vmId }) => (vmId === null || known.has(vmId) ? [] : [vmId])));
  for (const ids of chunked([...named])) rows.push(...(await listVmFactsOf(ctx, ids)));
  return rows;
}

/** A name that one of our rows has is ours, even when the key that signed it has left the ring; one that says it is a machine whose name is another is not. */
function namedByRow(seen: readonly SeenComputer[], rows: readonly VmFacts[]): SeenComputer[] {
  const byTag = new Map(rows.map(({ tag, id }) => [tag, id]));
  const tags = new Map(rows.map(({ tag, id }) => [id, tag]));
  return seen.map(({ computer, vmId }) => ({ computer, vmId: vmId !== null && !tags.has(vmId) ? vmId : (byTag.get(computer.tag) ?? null) }));
}

/** Null when the provider does not answer: then nothing may be concluded. */
async function listComputers(ctx: Ctx, compute: Compute): Promise<readonly Computer[] | null> {
  const [kind, subject] = ["provider_unreachable", compute.driver] as const;
  try {
    const computers = await compute.list();
    const before = await findFinding(ctx, kind, subject);
    if (before !== null && (before.resolvedAt === null || before.detail["failures"] !== 0)) {
      await new Plan(ctx).write(noteFinding(ctx, { kind, subject, driver: compute.driver, detail: { ...before.detail, failures: 0 } }, ctx.clock.now())).commit();
    }
    return computers;
  } catch (error) {
    if (!(error instanceof ComputeError)) throw error;
    const before = await findFinding(ctx, kind, subject);
    const failures = Number(before?.detail["failures"] ?? 0) + 1;
    const finding = { kind, subject, driver: compute.driver, detail: { failures, fault: error.fault, message: error.message, provider_request_id: error.providerRequestId } };
    const write = failures >= FAILURES_SHOWN || error.fault === "unauthorized" ? openFinding : noteFinding;
    await new Plan(ctx).write(write(ctx, finding, ctx.clock.now())).commit();
    ctx.log.warn("the provider's computers could not be listed", { event: "cloud_vms.list_failed", driver: compute.driver, failures, provider_request_id: error.providerRequestId, ...describeError(error) });
    return null;
  }
}

/** One that fails must not keep the others waiting; the next comparison finds it again. */
async function tryAct(ctx: Ctx, compute: Compute, action: Action, now: number): Promise<void> {
  try {
    await act(ctx, compute, action, now);
  } catch (error) {
    ctx.log.error("a difference from the provider was not dealt with", { event: "cloud_vms.action_failed", driver: compute.driver, action: action.kind, cloud_vm_id: action.vmId, computer_id: action.kind === "look" ? null : action.computer.id, ...describeError(error) });
  }
}

async function act(ctx: Ctx, compute: Compute, action: Action, now: number): Promise<void> {
  switch (action.kind) {
    case "adopt": {
      const kept = await keepComputer(ctx, action.vmId, action.computer);
      if (kept) await new Plan(ctx).audit({ action: "cloud_vm.adopt", tenantId: kept.tenantId, subject: { type: "cloud_vm", id: kept.id }, detail: { instance_id: kept.instanceId, computer_id: action.computer.id, driver: compute.driver } }).commit();
      return;
    }
    case "destroy": {
      const { id, tag } = action.computer;
      const payload = { driver: compute.driver, computerId: id, tag };
      await ctx.services.jobs.send({ v: 1, id: `cloud_vm.destroy_computer:${compute.driver}:${id}:${Math.floor(now / MINUTE_MS)}`, type: "cloud_vm.destroy_computer", payload });
      return;
    }
    case "look":
      await lookAt(ctx, action.vmId, now);
  }
}

/** Has a machine's own steps look at it: what a list says is never enough. */
export async function lookAt(ctx: Ctx, vmId: string, now: number): Promise<void> {
  const version = await wakeVm(ctx, vmId, now, now + LEASE_MAX_MS);
  if (version !== null) await ctx.services.jobs.send({ v: 1, id: `cloud_vm.advance:${vmId}:${version}`, type: "cloud_vm.advance", payload: vmId });
}
