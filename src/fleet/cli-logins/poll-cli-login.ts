import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { sha256, timingSafeEqual, toBase64Url, utf8 } from "../../kernel/crypto/bytes";
import { unseal } from "../../kernel/crypto/envelope";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { CHALLENGE_PATTERN, decidePoll } from "./cli-logins.core";
import { SealedLogin, type CliLoginRef, type PollCliLoginBody, type PolledCliLoginView } from "./cli-logins.schemas";
import { findCliLogin, loginSealContext, markPolled, type CliLogin } from "./cli-logins.store";

type Input = z.output<typeof CliLoginRef> & Partial<z.output<typeof PollCliLoginBody>>;
type View = z.input<typeof PolledCliLoginView>;

const PENDING: View = { status: "pending" };

/**
 * Whether the browser has confirmed yet; if so, the CLI's token. The answer can be repeated for a minute, then the code is spent.
 * @throws AppError VERIFIER_MISMATCH (wrong verifier, or none where one is needed)
 */
export function pollCliLogin(ctx: Ctx, input: Input): Promise<View> {
  return retryLostUpdate(async () => {
    const verifier = input.code_verifier ?? null;
    if (verifier !== null && !(await proves(verifier, input.code))) throw new AppError("VERIFIER_MISMATCH", "The code verifier does not belong to this code.");
    const now = ctx.clock.now();
    const login = CHALLENGE_PATTERN.test(input.code) ? await findCliLogin(ctx, input.code) : undefined;
    const decision = decidePoll(login, verifier !== null, now);
    if (decision === "refuse") throw new AppError("VERIFIER_MISMATCH", "Send the code_verifier of this code.");
    if (decision === "pending" || !login) return PENDING;
    if (decision === "first") {
      await new Plan(ctx)
        .guarded(markPolled(ctx, login.code, now))
        .audit({ action: "cli_login.poll", tenantId: login.tenantId, subject: { type: "cli_login", id: login.code } })
        .commit();
    }
    return openLogin(ctx, login);
  });
}

async function proves(verifier: string, code: string): Promise<boolean> {
  return timingSafeEqual(utf8(toBase64Url(await sha256(verifier))), utf8(code));
}

async function openLogin(ctx: Ctx, login: CliLogin): Promise<View> {
  const text = login.sealedToken === null ? null : await unseal(ctx.config.sealKeys, login.sealedToken, loginSealContext(login.code));
  // The sealing key was retired within the code's ten minutes: the person signs in again.
  if (text === null) return PENDING;
  const { token, userId, expiresAt } = SealedLogin.parse(JSON.parse(text));
  return { status: "complete", access_token: token, user_id: userId, expires_at: expiresAt, instance_id: null };
}
