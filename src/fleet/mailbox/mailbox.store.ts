import { desc, eq, lt } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { mailbox } from "../../schema/kernel";

export type MailRow = typeof mailbox.$inferSelect;

/** Newest first; the local environment has no tenants. */
export function listMailRows(ctx: Ctx, recipient: string | undefined, limit: number): Promise<MailRow[]> {
  return ctx.db
    .select()
    .from(mailbox)
    .where(recipient === undefined ? undefined : eq(mailbox.recipient, recipient))
    .orderBy(desc(mailbox.sentAt), desc(mailbox.id))
    .limit(limit);
}

/** Drops local mail sent before `before` (ms). */
export async function forgetOldMails(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(mailbox).where(lt(mailbox.sentAt, before));
}
