import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { accountLabel } from "../accounts";
import { newCliTokenMail } from "../mails";
import type { CliToken } from "./cli-tokens.store";

/** Adds the mail that tells the owner of a token just minted; nothing where no mail is sent. */
export function addNewTokenNotice(ctx: Ctx, plan: Plan, owner: { readonly email: string; readonly username: string } | undefined, token: CliToken): Plan {
  if (!ctx.services.mailer || !owner) return plan;
  const { name, expiresAt, createdAt } = token;
  return plan.effect({ type: "mail.send", payload: newCliTokenMail({ to: owner.email, username: accountLabel(owner), tokenName: name, expiresAt, at: createdAt, ip: ctx.client.ip }) });
}
