import { and, asc, count, eq, gt, inArray, isNull, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { bots, botShares } from "../../schema/bots";
import { instances } from "../../schema/instances";
import type { PickFeature } from "./holdings.core";

/** SQL of what people have that a plan counts. Every query names the tenant. */

/** Local (cloud machines count apart) and not archived. */
const localMachine = (tenantId: number) => and(eq(instances.tenantId, tenantId), isNull(instances.archivedAt), isNull(instances.cloudVmId));
const livingShare = (tenantId: number, now: number) => and(eq(botShares.tenantId, tenantId), isNull(botShares.endedAt), or(isNull(botShares.expiresAt), gt(botShares.expiresAt, now)));

/** Machines, bots and living shares, parked ones too, as of one moment. */
export async function readHoldingRows(ctx: Ctx, tenantId: number) {
  const [machineRows, botRows, shareRows] = await ctx.db.batch([
    ctx.db.select({ id: instances.instanceId, label: instances.label, createdAt: instances.createdAt, parkedAt: instances.planDisabledAt }).from(instances).where(localMachine(tenantId)).orderBy(asc(instances.id)),
    ctx.db
      .select({ id: bots.id, label: bots.name, matrixId: bots.matrixId, instanceId: bots.instanceId, createdAt: bots.createdAt, parkedAt: bots.planDisabledAt })
      .from(bots)
      .where(and(eq(bots.tenantId, tenantId), eq(bots.status, "active")))
      .orderBy(asc(bots.createdAt), asc(bots.id)),
    ctx.db
      .select({ id: botShares.id, label: botShares.recipientMatrixId, botId: botShares.botId, botMatrixId: bots.matrixId, instanceId: bots.instanceId, createdAt: botShares.createdAt })
      .from(botShares)
      .innerJoin(bots, eq(bots.id, botShares.botId))
      .where(livingShare(tenantId, ctx.clock.now()))
      .orderBy(asc(botShares.id)),
  ]);
  return { machineRows, botRows, shareRows };
}

/** Condition for a plan of writes: after what came back, the cap is kept, whatever slipped in after we looked. Bots that are being made count. */
export function withinHoldingCap(ctx: Ctx, tenantId: number, feature: Exclude<PickFeature, "max_bot_shares">, cap: number): SQL {
  const counted =
    feature === "max_bots"
      ? ctx.db.select({ n: count() }).from(bots).where(and(eq(bots.tenantId, tenantId), inArray(bots.status, ["creating", "active"]), isNull(bots.planDisabledAt)))
      : ctx.db.select({ n: count() }).from(instances).where(and(localMachine(tenantId), isNull(instances.planDisabledAt)));
  return sql`(${counted}) <= ${cap}`;
}
