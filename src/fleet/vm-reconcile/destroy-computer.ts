import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { Compute } from "../../kernel/ports/compute";
import { vmOfTag } from "../vm-provisioning";
import { resolveFinding } from "./findings.store";
import { lookAt } from "./reconcile-provider";
import { findVmFacts, findVmIdByTag } from "./vm-reconcile.store";

const ComputerToDestroy = z.object({ driver: z.string(), computerId: z.string(), tag: z.string() });

type Verdict = { readonly kind: "destroy"; readonly reason: "orphan" | "duplicate"; readonly tenantId: number | null } | { readonly kind: "leave"; readonly why: string };

/**
 * Job `cloud_vm.destroy_computer`: takes down a computer of ours that belongs to no machine, or that is one too many. Everything is verified
 * here once more, right before the call: between the comparison and this message a row may have taken it.
 * @throws ComputeError: it is tried again
 */
export async function destroyComputerJob(ctx: Ctx, payload: unknown): Promise<void> {
  const parsed = ComputerToDestroy.safeParse(payload);
  if (!parsed.success) throw new AppError("MALFORMED_REQUEST", "not a computer");
  const { driver, computerId, tag } = parsed.data;
  const { compute } = ctx.services;
  if (compute?.driver !== driver) return leave(ctx, computerId, "its provider is not configured");
  const computer = await compute.find(computerId);
  if (!computer) return over(ctx, computerId);
  if (computer.tag !== tag) return leave(ctx, computerId, "it bears another name now");
  const vmId = (await vmOfTag(ctx.config.tokenKeys, tag)) ?? (await findVmIdByTag(ctx, tag));
  const verdict = await judge(ctx, compute, computerId, tag, vmId);
  if (verdict.kind === "leave") return leave(ctx, computerId, verdict.why);
  await compute.destroy(computerId);
  ctx.log.warn("a computer without a machine was destroyed", { event: "cloud_vm.computer_destroyed", driver, computer_id: computerId, cloud_vm_id: vmId, reason: verdict.reason });
  await new Plan(ctx)
    .audit({ action: "cloud_vm.destroy_computer", tenantId: verdict.tenantId, subject: { type: "computer", id: computerId }, detail: { driver, tag, cloud_vm_id: vmId, reason: verdict.reason } })
    .write(resolveFinding(ctx, `${verdict.reason}_computer`, computerId, ctx.clock.now()))
    .commit();
}

/** The last question about it is to the database: whoever takes a computer for a machine writes that first. */
async function judge(ctx: Ctx, compute: Compute, computerId: string, tag: string, vmId: string | null): Promise<Verdict> {
  if (vmId === null) return { kind: "leave", why: "its name is not signed by us" };
  const before = await findVmFacts(ctx, vmId);
  const isLiving = before !== null && before.status !== "destroyed" && before.status !== "destroying";
  if (isLiving) {
    if (before.computerId === null) return { kind: "leave", why: "its machine has no computer yet" };
    if (before.computerId === computerId) return { kind: "leave", why: "it is its machine's own" };
    if (!(await compute.find(before.computerId))) {
      await lookAt(ctx, vmId, ctx.clock.now());
      return { kind: "leave", why: "its machine's own computer is not there" };
    }
  }
  const row = await findVmFacts(ctx, vmId);
  if (row !== null && row.tag !== tag) return { kind: "leave", why: "its machine's name is another" };
  if (row?.status !== before?.status || row?.computerId !== before?.computerId) return { kind: "leave", why: "its machine changed meanwhile" };
  return { kind: "destroy", reason: isLiving ? "duplicate" : "orphan", tenantId: row?.tenantId ?? null };
}

function leave(ctx: Ctx, computerId: string, why: string): void {
  ctx.log.warn("a computer was left alone", { event: "cloud_vm.computer_left", computer_id: computerId, why });
}

async function over(ctx: Ctx, computerId: string): Promise<void> {
  const now = ctx.clock.now();
  await new Plan(ctx).write(resolveFinding(ctx, "orphan_computer", computerId, now)).write(resolveFinding(ctx, "duplicate_computer", computerId, now)).commit();
}
