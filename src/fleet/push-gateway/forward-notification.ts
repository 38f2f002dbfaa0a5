import type { Ctx } from "../../kernel/context";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import type { PushAnswer } from "../../kernel/ports/services";
import { deactivateRejected } from "../push-devices";
import { rejectedTargets } from "./notify.core";

/**
 * Hands a homeserver's notification to the gateway as it is, and the answer back. Devices that the gateway declares dead are
 * deactivated here too; that may fail without the homeserver noticing, because the next push repeats it.
 * @throws AppError DEPENDENCY_UNAVAILABLE when no gateway is configured, BAD_GATEWAY when it does not answer; homeservers retry both
 */
export async function forwardNotification(ctx: Ctx, body: Uint8Array<ArrayBuffer>, contentType: string): Promise<PushAnswer> {
  const { push } = ctx.services;
  if (!push) throw new AppError("DEPENDENCY_UNAVAILABLE", "No push gateway is configured.");
  const answer = await push.notify(body, contentType);
  if (answer.status === 200) {
    await deactivateRejected(ctx, rejectedTargets(fromUtf8(body), fromUtf8(answer.body))).catch((error: unknown) => {
      ctx.log.warn("rejected devices stay active", { event: "push.reject_failed", ...describeError(error) });
    });
  }
  return answer;
}
