import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { LIFETIMES } from "./cli-tokens.core";
import { toMintedView, type MintCliTokenBody, type MintedCliTokenView } from "./cli-tokens.schemas";
import { addNewTokenNotice } from "./new-token-notice";
import { prepareCliToken } from "./prepare-cli-token";

/**
 * Mints a CLI token, shows it this once and tells its owner by mail.
 * @throws AppError VALIDATION_ERROR (an endless one unconfirmed), NAME_TAKEN
 */
export async function issueCliToken(ctx: OwnerCtx, input: z.output<typeof MintCliTokenBody>): Promise<z.input<typeof MintedCliTokenView>> {
  if (input.expires_in === "never" && !input.confirm_no_expiry) throw invalidField(["body", "confirm_no_expiry"], "A token without end needs confirm_no_expiry: true");
  const token = await prepareCliToken(ctx, { name: input.name, lifetimeMs: LIFETIMES[input.expires_in], origin: { expires_in: input.expires_in } });
  const owner = await findAccountById(ctx, ctx.actor.userId);
  const plan = token.writeTo(new Plan(ctx)).audit({ action: "cli_token.mint", subject: { type: "cli_token", id: token.row.id }, detail: { name: input.name, expires_in: input.expires_in } });
  addNewTokenNotice(ctx, plan, owner, token.row);
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "cli_tokens.name")) throw new AppError("NAME_TAKEN", "Another token has this name.", { cause: error });
    throw error;
  }
  return toMintedView(token.row, token.plaintext);
}
