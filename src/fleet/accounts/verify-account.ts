import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { fromHex, timingSafeEqual } from "../../kernel/crypto/bytes";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { CODE_TRIES, emailKeyOf } from "./accounts.core";
import type { VerifyAccountBody, VerifyAccountView } from "./accounts.schemas";
import { deleteCode, findAccountByEmail, markVerified, takeCodeTry } from "./accounts.store";
import { hashCode } from "./one-time-code";

/**
 * Proves an address with the mailed code. Repeating it after success is harmless.
 * @throws AppError CODE_MISMATCH (also for unknown addresses), CODE_EXPIRED (too old, or five tries used up)
 */
export function verifyAccount(ctx: Ctx, input: z.output<typeof VerifyAccountBody>): Promise<z.input<typeof VerifyAccountView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const account = await findAccountByEmail(ctx, emailKeyOf(input.email));
    if (!account) throw mismatch();
    if (account.accountVerified) return { verified: true, message: "This address is verified already." };

    const want = await takeCodeTry(ctx, account.id, "verify_email", CODE_TRIES, now);
    if (want === undefined) throw new AppError("CODE_EXPIRED", "This code has expired; ask for a new one.");
    const got = await hashCode(ctx, { purpose: "verify_email", sub: account.sub }, input.code);
    if (!timingSafeEqual(fromHex(got) ?? new Uint8Array(), fromHex(want) ?? new Uint8Array(1))) throw mismatch();

    await new Plan(ctx)
      .guarded(deleteCode(ctx, account.id, "verify_email", want))
      .guarded(markVerified(ctx, account, now))
      .audit({ action: "account.verify", tenantId: account.id, subject: { type: "account", id: account.sub } })
      .commit();
    return { verified: true, message: "Address verified. You can sign in now." };
  });
}

const mismatch = () => new AppError("CODE_MISMATCH", "This code is not right.");
