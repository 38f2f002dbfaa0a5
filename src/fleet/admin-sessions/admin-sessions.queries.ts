import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { toAdminProfile, type AdminProfileView } from "./admin-sessions.schemas";

/** The calling administrator. @throws AppError UNAUTHENTICATED when the account is gone */
export async function getAdminProfile(ctx: OwnerCtx): Promise<z.input<typeof AdminProfileView>> {
  const account = await findAccountById(ctx, ctx.actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  return toAdminProfile(account);
}
