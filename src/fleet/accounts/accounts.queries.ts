import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { toProfileView, type ProfileView } from "./accounts.schemas";
import { findAccountById } from "./accounts.store";

/** The caller's own profile. @throws AppError UNAUTHENTICATED when the account is gone */
export async function getProfile(ctx: OwnerCtx): Promise<z.input<typeof ProfileView>> {
  const account = await findAccountById(ctx, ctx.actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  return toProfileView(account, ctx.clock.now());
}
