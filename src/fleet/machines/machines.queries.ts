import { accountFeedObject } from "../../../durable-objects/stubs";
import type { Overview } from "../../../durable-objects/account-feed/account-feed.rpc";
import type { MachineDetail, MachineSummary } from "../../../durable-objects/instance/machine.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { countUnpairedBots } from "../bots";
import { objectOf, refOf } from "../instances";

/** Counters over all machines of the caller, and over the bots that are on none: one object call beside one D1 query. */
export async function getOverview(ctx: OwnerCtx): Promise<Overview> {
  const { userId } = ctx.actor;
  const [overview, undeployedBots] = await Promise.all([accountFeedObject(ctx.objects, userId).getOverview(userId), countUnpairedBots(ctx, userId)]);
  return { ...overview, totalBots: overview.totalBots - overview.undeployedBots + undeployedBots, undeployedBots };
}

/** The caller's machines: one object call. Cloud machines are a product of their own and left out unless asked for. */
export async function listMachines(ctx: OwnerCtx, includeCloud: boolean): Promise<readonly MachineSummary[]> {
  const machines = await accountFeedObject(ctx.objects, ctx.actor.userId).listMachines(ctx.actor.userId);
  return includeCloud ? machines : machines.filter((machine) => machine.provider !== "orgo");
}

/** One machine in full, with its bots, samples and history. @throws AppError NOT_FOUND, for a foreign one too */
export async function getMachine(ctx: OwnerCtx, instanceId: string): Promise<MachineDetail> {
  const detail = await objectOf(ctx, instanceId).getDetail(refOf(ctx, instanceId));
  if (!detail) throw notFound("Machine");
  return detail;
}
