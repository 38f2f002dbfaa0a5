import { mintCliToken, SHOWN_PREFIX_CHARS } from "../../kernel/auth/cli-token";
import type { OwnerCtx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import type { Plan } from "../../kernel/db/client";
import { newUuid } from "../../kernel/ids/ids";
import { CLI_SCOPES, expiryOf } from "./cli-tokens.core";
import { insertCliToken, insertCliTokenEvent, type CliToken } from "./cli-tokens.store";

interface TokenWish {
  readonly name: string;
  readonly lifetimeMs: number | null;
  readonly binding?: { readonly instanceId: string | null; readonly at: number | null };
  /** What the `minted` event says. */
  readonly origin: Readonly<Record<string, unknown>>;
}

/** A token that exists once the plan it is written to commits. */
export interface PreparedCliToken {
  readonly row: CliToken;
  readonly plaintext: string;
  /** Adds the row and its `minted` event. The commit fails on `cli_tokens.name` when the name is in use. */
  readonly writeTo: (plan: Plan) => Plan;
}

/** Makes a token for the caller without storing it, so that it can join the one commit of another verb. */
export async function prepareCliToken(ctx: OwnerCtx, wish: TokenWish): Promise<PreparedCliToken> {
  const now = ctx.clock.now();
  const id = newUuid();
  const expiresAt = expiryOf(wish.lifetimeMs, now);
  const plaintext = await mintCliToken(ctx.config.tokenKeys, { tokenId: id, userId: ctx.actor.userId, expiresAt });
  const row: CliToken = {
    id,
    tenantId: ctx.actor.userId,
    name: wish.name,
    tokenHash: await sha256Hex(plaintext),
    tokenPrefix: plaintext.slice(0, SHOWN_PREFIX_CHARS),
    keyId: ctx.config.tokenKeys.activeId,
    scopes: [...CLI_SCOPES],
    lifetimeMs: wish.lifetimeMs,
    expiresAt,
    revokedAt: null,
    boundInstanceId: wish.binding?.instanceId ?? null,
    boundAt: wish.binding?.at ?? null,
    lastUsedAt: null,
    lastUsedIp: null,
    useCount: 0,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  return {
    row,
    plaintext,
    writeTo: (plan) => plan.write(insertCliToken(ctx, row)).write(insertCliTokenEvent(ctx, row, { type: "minted", detail: { name: row.name, ...wish.origin }, instanceId: row.boundInstanceId })),
  };
}
