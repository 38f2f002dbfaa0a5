import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField, notFound } from "../../kernel/errors/app-error";
import { addMoves, afterMoves, chooseReturning, isPickFeature, settleMoved, type Choice, type Holding } from "../holdings";
import { findWaitingCode } from "../pairings";
import { readRoom } from "./read-upgrade";
import { undecided } from "./upgrades.core";
import type { ResolvedUpgradeView, ResolveUpgradeBody, UpgradeRef } from "./upgrades.schemas";
import { findUpgrade, updateUpgrade } from "./upgrades.store";

type Input = z.output<typeof UpgradeRef> & z.output<typeof ResolveUpgradeBody>;
type View = z.input<typeof ResolvedUpgradeView>;

/** An id that is none of the caller's, or more than the cap. @throws AppError VALIDATION_ERROR */
export function requireChoice(choice: Choice, field: string): Extract<Choice, { kind: "ok" }> {
  if (choice.kind === "unknown") throw invalidField(["body", field], `These are none of the items: ${choice.ids.slice(0, 5).join(", ")}`, "item_unknown");
  if (choice.kind === "too_many") throw invalidField(["body", field], `The plan allows ${choice.limit}`, "over_limit");
  return choice;
}

/**
 * Brings back what the caller chose of one feature; one commit, so that nothing is half done. The same call again changes nothing. Bots
 * come with a fresh pairing code each.
 * @throws AppError NOT_FOUND, REQUEST_RESOLVED, VALIDATION_ERROR
 */
export async function resolveUpgrade(ctx: OwnerCtx, input: Input): Promise<View> {
  const { view, comeBack } = await retryLostUpdate(() => resolveOnce(ctx, input));
  await settleMoved(ctx, { park: [], comeBack });
  const repaired = await Promise.all(input.feature === "max_bots" ? comeBack.map((bot) => repairedBot(ctx, bot)) : []);
  return { ...view, repaired_bots: repaired.flat() };
}

async function resolveOnce(ctx: OwnerCtx, { request_id, feature, reenable_ids }: Input): Promise<{ readonly view: Omit<View, "repaired_bots">; readonly comeBack: readonly Holding[] }> {
  const { userId } = ctx.actor;
  const now = ctx.clock.now();
  const [row, { holdings, caps }] = await Promise.all([findUpgrade(ctx, userId, request_id), readRoom(ctx, userId)]);
  if (!row) throw notFound("Upgrade request");
  if (row.resolvedAt !== null) throw new AppError("REQUEST_RESOLVED", "This request is closed already.", { extras: { resolution: row.resolution } });
  if (!isPickFeature(feature)) throw invalidField(["body", "feature"], "There is nothing to choose of this feature", "feature_unknown");
  const { comeBack } = requireChoice(chooseReturning(holdings, feature, caps[feature], reenable_ids), "reenable_ids");
  const resolvedFeatures = [...new Set([...row.resolvedFeatures, feature])];
  const remaining = undecided(afterMoves(holdings, { park: [], comeBack }, now), resolvedFeatures);
  const done = remaining.length === 0 ? ({ resolvedAt: now, resolution: "resolved" } as const) : { resolvedAt: null, resolution: null };
  const plan = new Plan(ctx).guarded(updateUpgrade(ctx, row, { resolvedFeatures, ...done }, now));
  await addMoves(ctx, plan, userId, { park: [], comeBack }, caps, now)
    .audit({ action: "upgrade.resolve", subject: { type: "upgrade_request", id: row.id }, detail: { feature, reenabled: comeBack.map(({ id }) => id), resolution: done.resolution } })
    .commit();
  return { view: { request_id: row.id, resolved_at: isoOrNull(done.resolvedAt), resolution: done.resolution, feature, reenabled: [...new Set(reenable_ids)], remaining_features_with_parked: remaining }, comeBack };
}

async function repairedBot(ctx: OwnerCtx, bot: Holding): Promise<NonNullable<View["repaired_bots"]>> {
  const waiting = await findWaitingCode(ctx, ctx.actor.userId, bot.id);
  return waiting && bot.botMatrixId !== null ? [{ bot_id: bot.id, bot_user_id: bot.botMatrixId, pair_code: waiting.code, expires_in: waiting.expiresInSeconds }] : [];
}
