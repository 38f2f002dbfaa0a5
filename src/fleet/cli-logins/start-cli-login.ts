import type { z } from "zod";
import { webOrigin, type Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { CODE_LIFE_MS } from "./cli-logins.core";
import type { StartCliLoginBody, StartedCliLoginView } from "./cli-logins.schemas";
import { upsertStarted } from "./cli-logins.store";

/**
 * Announces a CLI that wants to sign in. The code is its challenge; starting twice begins the ten minutes again.
 * @throws AppError CODE_ALREADY_USED once a browser has confirmed it
 */
export async function startCliLogin(ctx: Ctx, input: z.output<typeof StartCliLoginBody>): Promise<z.input<typeof StartedCliLoginView>> {
  const code = input.code_challenge;
  const now = ctx.clock.now();
  try {
    await new Plan(ctx).guarded(upsertStarted(ctx, code, now, now + CODE_LIFE_MS)).audit({ action: "cli_login.start", subject: { type: "cli_login", id: code } }).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) throw new AppError("CODE_ALREADY_USED", "This code was used already; start again with a new one.", { cause: error });
    throw error;
  }
  return { auth_url: `${webOrigin(ctx)}/cli-auth?code=${code}`, code };
}
