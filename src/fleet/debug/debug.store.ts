import { eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { recoveryKeys, users } from "../../schema/accounts";

/** Of anybody: only administrators come here. */
export async function findPerson(ctx: Ctx, tenantId: number) {
  const [row] = await ctx.db
    .select({ id: users.id, username: users.username, matrixId: users.matrixId, matrixAccountCreated: users.matrixAccountCreated, keyCreatedAt: recoveryKeys.createdAt })
    .from(users)
    .leftJoin(recoveryKeys, eq(recoveryKeys.tenantId, users.id))
    .where(eq(users.id, tenantId))
    .limit(1);
  return row ?? null;
}
