import { sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";

/** This person's fingerprints that others registered as well, with how many others: by the index of the person, then of the fingerprint. */
export const sharedFingerprintsStatement = (tenantId: number) => sql`
  SELECT mine.fingerprint AS fingerprint, count(DISTINCT theirs.tenant_id) AS others
  FROM (SELECT DISTINCT fingerprint FROM fingerprint_history WHERE tenant_id = ${tenantId}) AS mine
  JOIN fingerprint_history AS theirs ON theirs.fingerprint = mine.fingerprint AND theirs.tenant_id <> ${tenantId}
  GROUP BY mine.fingerprint ORDER BY others DESC LIMIT 20`;

export function listSharedFingerprints(ctx: Ctx, tenantId: number): Promise<{ fingerprint: string; others: number }[]> {
  return ctx.db.all<{ fingerprint: string; others: number }>(sharedFingerprintsStatement(tenantId));
}
