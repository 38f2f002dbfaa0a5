import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { isFirstInHour } from "./cli-tokens.core";
import { countUse, findCliToken, insertCliTokenEvent, lastDenialAt, updateCliToken, type CliToken } from "./cli-tokens.store";

/**
 * Notes that the caller's CLI token was used, for a machine when `instanceId` names one. The first machine binds the token;
 * later ones are refused. People's access tokens pass without a note.
 * @throws AppError TOKEN_REVOKED, TOKEN_BOUND
 */
export async function recordTokenUse(ctx: OwnerCtx, instanceId: string | null): Promise<void> {
  const { actor } = ctx;
  if (actor.type !== "cliToken") return;
  await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const token = await findCliToken(ctx, actor.userId, actor.tokenId);
    if (!token || token.revokedAt !== null) throw new AppError("TOKEN_REVOKED", "This CLI token was revoked; run `sett login` again.");
    if (instanceId !== null && token.boundInstanceId !== null && token.boundInstanceId !== instanceId) throw await deny(ctx, token, instanceId, now);

    const plan = new Plan(ctx).write(countUse(ctx, token, now));
    if (isFirstInHour(token.lastUsedAt, now)) plan.write(insertCliTokenEvent(ctx, token, { type: "used", instanceId }));
    if (instanceId !== null && token.boundInstanceId === null) {
      plan
        .guarded(updateCliToken(ctx, token, { boundInstanceId: instanceId, boundAt: now }, now))
        .write(insertCliTokenEvent(ctx, token, { type: "bound", instanceId }))
        .audit({ action: "cli_token.bind", subject: { type: "cli_token", id: token.id }, detail: { instance_id: instanceId } });
    }
    await plan.commit();
  });
}

/** A misplaced daemon tries every few seconds; one event an hour tells its owner enough. */
async function deny(ctx: OwnerCtx, token: CliToken, instanceId: string, now: number): Promise<AppError> {
  if (isFirstInHour(await lastDenialAt(ctx, token.tenantId, token.id, instanceId), now)) {
    await new Plan(ctx)
      .write(insertCliTokenEvent(ctx, token, { type: "denied", detail: { bound_instance_id: token.boundInstanceId }, instanceId }))
      .audit({ action: "cli_token.deny", subject: { type: "cli_token", id: token.id }, detail: { instance_id: instanceId } })
      .commit();
  }
  return new AppError("TOKEN_BOUND", "This CLI token belongs to another machine; mint one for this machine, or unbind it.", { extras: { bound_instance_id: token.boundInstanceId } });
}
