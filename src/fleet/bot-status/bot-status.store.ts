import { and, desc, eq } from "drizzle-orm";
import { pairings } from "../../schema/bots";
import type { Ctx } from "../../kernel/context";

/** The newest pairing of a bot, ended ones too while they are kept. */
export async function findNewestPairing(ctx: Ctx, tenantId: number, botId: string) {
  const [row] = await ctx.db
    .select({ id: pairings.id, status: pairings.status, expiresAt: pairings.expiresAt })
    .from(pairings)
    .where(and(eq(pairings.tenantId, tenantId), eq(pairings.botId, botId)))
    .orderBy(desc(pairings.createdAt), desc(pairings.id))
    .limit(1);
  return row ?? null;
}
