import type { z } from "zod";
import { identify } from "../../kernel/auth/external-identity";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { seal } from "../../kernel/crypto/envelope";
import { isUniqueViolation, LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { addNewTokenNotice, freeName, LIFETIMES, listNamesInUse, prepareCliToken } from "../cli-tokens";
import { CODE_LIFE_MS } from "./cli-logins.core";
import type { CompleteCliLoginBody, CompletedCliLoginView, SealedLogin } from "./cli-logins.schemas";
import { completeStarted, findCliLogin, insertCompleted, loginSealContext } from "./cli-logins.store";

const LIFETIME = "90d";
const NAME_TRIES = 3;

const used = (cause?: unknown) => new AppError("CODE_ALREADY_USED", "This code was used already; start the login again.", { cause });

/**
 * The browser's part of a CLI login: mints a CLI token for the caller and leaves it, sealed, for the CLI to pick up. The code
 * may be unknown, since published CLIs never start one.
 * @throws AppError TOKEN_MISMATCH (the posted token is not the caller's), CODE_ALREADY_USED, CODE_EXPIRED
 */
export async function completeCliLogin(ctx: OwnerCtx, input: z.output<typeof CompleteCliLoginBody>): Promise<z.input<typeof CompletedCliLoginView>> {
  const now = ctx.clock.now();
  const posted = await identify(ctx, input.access_token).catch(() => null);
  if (posted?.type !== "user" || posted.userId !== ctx.actor.userId) throw new AppError("TOKEN_MISMATCH", "The posted access token is not the caller's own.");
  const login = await findCliLogin(ctx, input.code);
  if (login && login.completedAt !== null) throw used();
  if (login && login.expiresAt <= now) throw new AppError("CODE_EXPIRED", "This code has expired; start the login again.");

  for (let tries = 1; ; tries++) {
    try {
      await commitLogin(ctx, input.code, login !== undefined);
      return { success: true };
    } catch (error) {
      if (isUniqueViolation(error, "cli_logins.code") || error instanceof LostUpdateError) throw used(error);
      if (!isUniqueViolation(error, "cli_tokens.name") || tries >= NAME_TRIES) throw error;
    }
  }
}

async function commitLogin(ctx: OwnerCtx, code: string, known: boolean): Promise<void> {
  const now = ctx.clock.now();
  const account = await findAccountById(ctx, ctx.actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const base = `cli-${iso(now).slice(0, 10)}`;
  const name = freeName(base, await listNamesInUse(ctx, account.id, base));
  const token = await prepareCliToken(ctx, { name, lifetimeMs: LIFETIMES[LIFETIME], origin: { via: "cli_login" } });
  const waiting: z.input<typeof SealedLogin> = { token: token.plaintext, userId: account.matrixId, expiresAt: iso(token.row.expiresAt ?? now) };
  const completion = { tenantId: account.id, completedAt: now, sealedToken: await seal(ctx.config.sealKeys, JSON.stringify(waiting), loginSealContext(code)) };
  const plan = new Plan(ctx);
  if (known) plan.guarded(completeStarted(ctx, code, completion));
  else plan.write(insertCompleted(ctx, code, completion, now + CODE_LIFE_MS));
  await addNewTokenNotice(ctx, token.writeTo(plan), account, token.row)
    .audit({ action: "cli_login.complete", subject: { type: "cli_login", id: code }, detail: { token_id: token.row.id, token_name: name } })
    .commit();
}
