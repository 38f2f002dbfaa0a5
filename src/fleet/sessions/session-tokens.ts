import { ACCESS_TOKEN_SECONDS, issueAccessToken, issueIdToken } from "../../kernel/auth/access-token";
import type { Ctx } from "../../kernel/context";
import { sha256Hex, toBase64Url } from "../../kernel/crypto/bytes";
import { randomBytes } from "../../kernel/ids/ids";
import type { Account } from "../accounts";

const REFRESH_PREFIX = "sett_rt_";

export const hashRefreshToken = (refreshToken: string): Promise<string> => sha256Hex(refreshToken);

/** 256 random bits; only its hash is stored. */
export const newRefreshToken = (): string => REFRESH_PREFIX + toBase64Url(randomBytes(32));

/** The hour-long pair of a session, as every answer that signs somebody in carries it. */
export async function issueSessionTokens(ctx: Ctx, account: Account, sessionId: number) {
  const now = ctx.clock.now();
  const claims = { userId: account.id, sub: account.sub, username: account.username, role: account.role, epoch: account.tokenEpoch, sessionId };
  const [accessToken, idToken] = await Promise.all([
    issueAccessToken(ctx.config, claims, now),
    issueIdToken(ctx.config, { ...claims, email: account.email, name: account.displayName ?? account.name }, now),
  ]);
  return { access_token: accessToken, id_token: idToken, expires_in: ACCESS_TOKEN_SECONDS, token_type: "Bearer" };
}
