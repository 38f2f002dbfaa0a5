import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { isUsable } from "./cli-tokens.core";
import { toCliTokenEventView, toCliTokenView, type CliTokenDetailView, type CliTokenListView, type CliTokenRef, type ListCliTokensQuery } from "./cli-tokens.schemas";
import { findCliToken, listCliTokenEvents, listCliTokenRows } from "./cli-tokens.store";

const RECENT_EVENTS = 50;

/** The caller's tokens, newest first; `active` keeps those that still open something (true) or no longer do (false). */
export async function listCliTokens(ctx: OwnerCtx, query: z.output<typeof ListCliTokensQuery>): Promise<z.input<typeof CliTokenListView>> {
  const now = ctx.clock.now();
  const rows = await listCliTokenRows(ctx, ctx.actor.userId);
  return rows.filter((row) => query.active === undefined || isUsable(row, now) === query.active).map((row) => toCliTokenView(row, now));
}

/** One token with its recent events, newest first. @throws AppError NOT_FOUND */
export async function getCliToken(ctx: OwnerCtx, ref: z.output<typeof CliTokenRef>): Promise<z.input<typeof CliTokenDetailView>> {
  const row = await findCliToken(ctx, ctx.actor.userId, ref.token_id);
  if (!row) throw notFound("Token");
  const events = await listCliTokenEvents(ctx, ctx.actor.userId, row.id, RECENT_EVENTS);
  return { ...toCliTokenView(row, ctx.clock.now()), recent_audit: events.map(toCliTokenEventView) };
}

/** The machine that a CLI token of the caller is bound to; null while it is bound to none. */
export async function findBoundInstance(ctx: OwnerCtx, tokenId: string): Promise<string | null> {
  return (await findCliToken(ctx, ctx.actor.userId, tokenId))?.boundInstanceId ?? null;
}
