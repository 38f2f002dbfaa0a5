import { sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { externalIdentities, users } from "../../schema/accounts";

interface NewLink {
  readonly issuer: string;
  readonly subject: string;
  /** Subject of the account here, whose row may be made by the same batch. */
  readonly sub: string;
}

/** The commit fails on `external_identities.issuer` when the identity has an account already. */
export const insertIdentity = (ctx: Ctx, { issuer, subject, sub }: NewLink, nowMs: number) =>
  ctx.db.insert(externalIdentities).values({ issuer, subject, tenantId: sql<number>`(SELECT ${users.id} FROM ${users} WHERE ${users.sub} = ${sub})`, createdAt: nowMs });
