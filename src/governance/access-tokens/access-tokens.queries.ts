import type { z } from "zod";
import type { Actor } from "../../kernel/auth/actor";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { describeError } from "../../kernel/logging/logger";
import { isUseWorthNoting, looksLikeAccessToken } from "./access-tokens.core";
import { toTokenView, type AccessTokenListView } from "./access-tokens.schemas";
import { findLiveToken, listTokenRows, noteUse } from "./access-tokens.store";

/** All tokens, newest first, those that have ended too. */
export async function listAccessTokens(ctx: Ctx): Promise<z.input<typeof AccessTokenListView>> {
  return (await listTokenRows(ctx)).map(toTokenView);
}

/** Who holds this token, or null when it is none that lives. Notes the use after the answer, at most once a minute. */
export async function authenticateAccessToken(ctx: Ctx, token: string): Promise<Extract<Actor, { type: "operator" }> | null> {
  if (!looksLikeAccessToken(token)) return null;
  const now = ctx.clock.now();
  const row = await findLiveToken(ctx, await sha256Hex(token), now);
  if (!row) return null;
  if (isUseWorthNoting(row.lastUsedAt, now)) ctx.defer(noteUse(ctx, row.id, now).catch((error: unknown) => ctx.log.warn("a use was not noted", { event: "access_token.use_unnoted", ...describeError(error) })));
  return { type: "operator", id: `token:${row.id}`, label: row.name, session: null };
}
