import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceSessionScopes } from "../../schema/governance-mcp";

export type SessionScope = typeof governanceSessionScopes.$inferSelect;

/** Names the key for the verb that meets another who binds the same session. */
export const SESSION_KEY_INDEX = "governance_session_scopes.session_key";

export async function findSessionScope(ctx: Ctx, sessionKey: string): Promise<SessionScope | null> {
  const [row] = await ctx.db.select().from(governanceSessionScopes).where(eq(governanceSessionScopes.sessionKey, sessionKey));
  return row ?? null;
}

export const insertSessionScope = (ctx: Ctx, scope: typeof governanceSessionScopes.$inferInsert) => ctx.db.insert(governanceSessionScopes).values(scope);

/** Updates the binding as it was read, or hits no row. */
export const updateSessionScope = (ctx: Ctx, { sessionKey, version }: SessionScope, change: Pick<SessionScope, "principal" | "scopes" | "updatedAt">) =>
  ctx.db
    .update(governanceSessionScopes)
    .set({ ...change, version: version + 1 })
    .where(and(eq(governanceSessionScopes.sessionKey, sessionKey), eq(governanceSessionScopes.version, version)));

/** Deletes the binding as it was read, or hits no row. */
export const deleteSessionScope = (ctx: Ctx, { sessionKey, version }: SessionScope) =>
  ctx.db.delete(governanceSessionScopes).where(and(eq(governanceSessionScopes.sessionKey, sessionKey), eq(governanceSessionScopes.version, version)));
