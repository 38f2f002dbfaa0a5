import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { isGateOpen } from "../../kernel/gates/gates";

/** The gate before every new account that people make themselves; administrators make theirs past it. @throws AppError SIGNUP_CLOSED */
export async function requireOpenSignup(ctx: Ctx, emailKey: string): Promise<void> {
  if (!(await isGateOpen(ctx, "signup.open", emailKey))) throw new AppError("SIGNUP_CLOSED", "New accounts cannot be made at the moment.");
}
