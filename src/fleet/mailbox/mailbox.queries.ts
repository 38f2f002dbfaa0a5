import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { toMailView, type ListMailsQuery, type MailListView } from "./mailbox.schemas";
import { listMailRows } from "./mailbox.store";

const MAILS_MAX = 100;

/** Mail of the local environment, newest first. @throws AppError NOT_FOUND everywhere else */
export async function listMails(ctx: Ctx, query: z.output<typeof ListMailsQuery>): Promise<z.input<typeof MailListView>> {
  if (ctx.config.environment !== "local") throw notFound("Mailbox");
  return (await listMailRows(ctx, query.to?.trim().toLowerCase(), MAILS_MAX)).map(toMailView);
}
