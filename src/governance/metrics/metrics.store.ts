import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceSkillContents } from "../../schema/governance-skills";
import { governanceDriftAlerts, governanceTenants } from "../../schema/governance-tenants";

export interface ServerCounts {
  readonly byPhase: Readonly<Record<string, number>>;
  readonly skillBytes: number;
  readonly databaseBytes: number;
}

/** Counts and sizes in one read; every answer of D1 tells how large it is. */
export async function readServerCounts(ctx: Ctx): Promise<ServerCounts> {
  const phases = sql`SELECT ${governanceTenants.phase} AS phase, COUNT(*) AS count FROM ${governanceTenants} GROUP BY 1`;
  const stored = sql`SELECT COALESCE(SUM(${governanceSkillContents.sizeBytes}), 0) AS bytes FROM ${governanceSkillContents} WHERE ${governanceSkillContents.state} = 'stored'`;
  const { results, meta } = await ctx.db.run(sql`SELECT phase AS label, count AS value FROM (${phases}) UNION ALL SELECT '', bytes FROM (${stored})`);
  const values = new Map((results as readonly { readonly label: string; readonly value: number }[]).map(({ label, value }) => [label, value]));
  const skillBytes = values.get("") ?? 0;
  values.delete("");
  return { byPhase: Object.fromEntries(values), skillBytes, databaseBytes: meta.size_after };
}

const THE_ONE = 1;

export type DriftAlert = typeof governanceDriftAlerts.$inferSelect;

export async function findDriftAlert(ctx: Ctx): Promise<DriftAlert | undefined> {
  return (await ctx.db.select().from(governanceDriftAlerts).where(eq(governanceDriftAlerts.id, THE_ONE)).limit(1))[0];
}

/** Keeps what the last look found. */
export async function saveDriftAlert(ctx: Ctx, alert: Pick<DriftAlert, "fingerprint" | "driftCount" | "alertedAt">): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db
    .insert(governanceDriftAlerts)
    .values({ id: THE_ONE, ...alert, createdAt: now, updatedAt: now })
    .onConflictDoUpdate({ target: governanceDriftAlerts.id, set: { ...alert, updatedAt: now } });
}
