import type { z } from "zod";
import type { ReportedAct } from "../../kernel/audit/audit";
import { utcIso } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { Plan } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { newPlaintext } from "./access-tokens.core";
import { toTokenView, type CreateAccessTokenBody, type CreatedAccessTokenView } from "./access-tokens.schemas";
import { insertToken, type AccessToken } from "./access-tokens.store";

/** Makes a token; its plaintext is in this answer and nowhere else. @throws VALIDATION_ERROR when it would have ended already */
export async function createAccessToken(ctx: Ctx, body: z.output<typeof CreateAccessTokenBody>): Promise<z.input<typeof CreatedAccessTokenView>> {
  const expiresAt = body.expiresAt == null ? null : Date.parse(utcIso(body.expiresAt) ?? body.expiresAt);
  if (expiresAt !== null && expiresAt <= ctx.clock.now()) throw invalidField(["body", "expiresAt"], "Must be in the future");
  const { row, plaintext, writeTo } = await prepareAccessToken(ctx, { name: body.name, owner: body.owner, expiresAt });
  await writeTo(new Plan(ctx)).commit();
  const { lastUsedAt: _never, ...view } = toTokenView(row);
  return { ...view, plainTextToken: plaintext };
}

/** A token that is not written yet: add it to the plan of whatever makes it. */
interface PreparedToken {
  readonly row: AccessToken;
  readonly plaintext: string;
  /** @param reported who makes it, where that is not the caller */
  readonly writeTo: (plan: Plan, reported?: ReportedAct) => Plan;
}

/** Makes the plaintext and the row of a token. `expiresAt` in ms; null never ends. */
export async function prepareAccessToken(ctx: Ctx, { name, owner, expiresAt }: Pick<AccessToken, "name" | "owner" | "expiresAt">): Promise<PreparedToken> {
  const now = ctx.clock.now();
  const plaintext = newPlaintext();
  const row: AccessToken = { id: newId("tok", now), name, owner, tokenHash: await sha256Hex(plaintext), expiresAt, lastUsedAt: null, createdAt: now };
  return {
    row,
    plaintext,
    writeTo: (plan, reported) => plan.write(insertToken(ctx, row)).audit(governed({ action: "access_token.create", kind: "AccessToken", key: row.id, after: { name, owner, expires_at: expiresAt } }, reported)),
  };
}
