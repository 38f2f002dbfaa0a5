import { accountFeedObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import type { FeatureValue } from "../plans";
import { PICK_FEATURES, type Caps, type Holding } from "./holdings.core";
import { readHoldingRows } from "./holdings.store";

/** What somebody has that a plan counts, with the last sign of life of machines and bots: one D1 batch beside one object call. */
export async function readHoldings(ctx: Ctx, tenantId: number): Promise<Holding[]> {
  const [{ machineRows, botRows, shareRows }, machines] = await Promise.all([readHoldingRows(ctx, tenantId), accountFeedObject(ctx.objects, tenantId).listMachines(tenantId)]);
  const beats = new Map(machines.map((machine) => [machine.instanceId, time(machine.lastHeartbeat)]));
  const active = new Map(machines.flatMap((machine) => machine.bots).map((bot) => [bot.botId, time(bot.lastActivityAt)]));
  return [
    ...machineRows.map((row): Holding => ({ ...row, feature: "multiple_openclaw_instances", instanceId: row.id, botMatrixId: null, botId: null, lastSeenAt: beats.get(row.id) ?? null })),
    ...botRows.map(({ matrixId, ...row }): Holding => ({ ...row, feature: "max_bots", botMatrixId: matrixId, botId: row.id, lastSeenAt: active.get(row.id) ?? null })),
    ...shareRows.map((row): Holding => ({ ...row, id: String(row.id), feature: "max_bot_shares", lastSeenAt: null, parkedAt: null })),
  ];
}

const time = (text: string | null): number | null => (text === null ? null : Date.parse(text));

/** The caps among a plan's features. */
export const capsOf = (features: ReadonlyMap<string, FeatureValue>): Caps => {
  const cap = (feature: string): number | null => {
    const value = features.get(feature);
    return value === null ? null : typeof value === "number" ? value : 0;
  };
  const [machines, bots, shares] = PICK_FEATURES;
  return { [machines]: cap(machines), [bots]: cap(bots), [shares]: cap(shares) };
};
