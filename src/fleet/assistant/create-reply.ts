import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { composePrompt, secondsUntilFree, TURN_WINDOW_MS, TURNS_PER_HOUR } from "./assistant.core";
import type { ChatBody, ChatView } from "./assistant.schemas";
import { deleteOldTurns, deleteTurn, findOldestTurn, insertTurn, turnsWithin } from "./assistant.store";

/**
 * Asks the model for the next turn of a conversation. Nothing of it is kept but that it took place. A question the model could
 * not answer does not count against the hour; one whose caller left does.
 * @param signal aborts when the caller goes, and with it the model's work
 * @throws AppError DEPENDENCY_UNAVAILABLE (none configured, down, too slow), BAD_GATEWAY, RATE_LIMITED, CLIENT_GONE
 */
export async function createReply(ctx: OwnerCtx, input: z.output<typeof ChatBody>, signal: AbortSignal): Promise<z.input<typeof ChatView>> {
  const { languageModel } = ctx.services;
  if (!languageModel) throw new AppError("DEPENDENCY_UNAVAILABLE", "The assistant is not configured here.");
  const turnId = await takeTurn(ctx);
  try {
    return { reply: await languageModel.complete(composePrompt(input.messages), signal) };
  } catch (error) {
    if (!(error instanceof AppError && error.code === "CLIENT_GONE")) await deleteTurn(ctx, ctx.actor.userId, turnId);
    throw error;
  }
}

/** Counts first, in one commit with the check, so that parallel questions stay within the limit. @throws AppError RATE_LIMITED */
async function takeTurn(ctx: OwnerCtx): Promise<string> {
  const { userId } = ctx.actor;
  const now = ctx.clock.now();
  const since = now - TURN_WINDOW_MS;
  const id = newUuid();
  try {
    await new Plan(ctx)
      .write(deleteOldTurns(ctx, userId, since))
      .write(insertTurn(ctx, { id, tenantId: userId, createdAt: now }))
      .require(turnsWithin(userId, since, TURNS_PER_HOUR))
      .audit({ action: "assistant.chat", subject: { type: "assistant_turn", id } })
      .commit();
    return id;
  } catch (error) {
    if (!(error instanceof LostUpdateError)) throw error;
    const oldest = (await findOldestTurn(ctx, userId, since)) ?? now;
    throw new AppError("RATE_LIMITED", `The assistant takes ${TURNS_PER_HOUR} questions an hour; ask again later.`, { retryAfterSeconds: secondsUntilFree(oldest, now) });
  }
}
