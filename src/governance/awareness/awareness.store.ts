import { eq, getTableColumns } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import type { RolloutSnapshot } from "../../../durable-objects/org/org.rpc";
import { governanceParticipation, governanceRollout } from "../../schema/governance-policies";
import { governanceTenants } from "../../schema/governance-tenants";
import type { Participation } from "./participation.core";
import { DEFAULT_ROLLOUT, type Rollout } from "./rollout.core";

const ONLY = 1;

const rolloutStatement = (ctx: Ctx) => ctx.db.select().from(governanceRollout).where(eq(governanceRollout.id, ONLY));

/** The rollout in force; the built-in one while nobody has set any. */
export const findRollout = async (ctx: Ctx): Promise<Rollout> => (await rolloutStatement(ctx))[0] ?? DEFAULT_ROLLOUT;

export function writeRollout(ctx: Ctx, snapshot: RolloutSnapshot, revision: number) {
  const row = { id: ONLY, ...snapshot, revision };
  return ctx.db.insert(governanceRollout).values(row).onConflictDoUpdate({ target: governanceRollout.id, set: row });
}

/** The rollout and a tenant's wave; no tenant: undefined. */
export async function findRolloutOf(ctx: Ctx, tenant: string): Promise<{ readonly rollout: Rollout; readonly wave: string | null } | undefined> {
  const [[rollout], [found]] = await ctx.db.batch([rolloutStatement(ctx), ctx.db.select({ wave: governanceTenants.wave }).from(governanceTenants).where(eq(governanceTenants.name, tenant)).limit(1)]);
  return found && { rollout: rollout ?? DEFAULT_ROLLOUT, wave: found.wave };
}

/** A tenant and what is known of it; nothing for one that was never seen. */
export interface ParticipationRow {
  readonly tenant: string;
  readonly wave: string | null;
  readonly known: Participation | null;
}

/** The whole fleet by name, and the rollout: one read. */
export async function listParticipation(ctx: Ctx): Promise<{ readonly rollout: Rollout; readonly rows: readonly ParticipationRow[] }> {
  const [[rollout], rows] = await ctx.db.batch([
    rolloutStatement(ctx),
    ctx.db
      .select({ tenant: governanceTenants.name, wave: governanceTenants.wave, known: getTableColumns(governanceParticipation) })
      .from(governanceTenants)
      .leftJoin(governanceParticipation, eq(governanceParticipation.tenant, governanceTenants.name))
      .orderBy(governanceTenants.name),
  ]);
  return { rollout: rollout ?? DEFAULT_ROLLOUT, rows };
}

export function writeParticipation(ctx: Ctx, tenant: string, known: Participation, revision: number) {
  const now = ctx.clock.now();
  const row = { ...known, revision, updatedAt: now };
  return ctx.db
    .insert(governanceParticipation)
    .values({ tenant, ...row, createdAt: now })
    .onConflictDoUpdate({ target: governanceParticipation.tenant, set: row });
}

export const deleteParticipation = (ctx: Ctx, tenant: string) => ctx.db.delete(governanceParticipation).where(eq(governanceParticipation.tenant, tenant));
