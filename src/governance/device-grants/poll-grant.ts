import type { z } from "zod";
import { describeAct } from "../../kernel/audit/audit";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { prepareAccessToken } from "../access-tokens";
import { governed } from "../audit-trail";
import { personId } from "../auth";
import { refusal } from "../errors";
import { decidePoll } from "./device-grants.core";
import type { AuthorizedView, PendingView, PollQuery } from "./device-grants.schemas";
import { findGrant, markDelivered } from "./device-grants.store";

/**
 * Whether the person has confirmed; if so, the token. It is made by the very commit that hands it out, so it is handed out once and kept nowhere.
 * @throws EXPIRED (unknown, too late, or handed out already)
 */
export async function pollGrant(ctx: Ctx, { deviceCode }: z.output<typeof PollQuery>): Promise<z.input<typeof AuthorizedView> | z.input<typeof PendingView>> {
  const codeHash = await sha256Hex(deviceCode);
  const grant = await findGrant(ctx, codeHash);
  const now = ctx.clock.now();
  const decision = decidePoll(grant, now);
  if (decision === "pending") return { status: "pending" };
  if (decision === "over" || !grant || grant.approvedBy === null) throw over();
  const { userCode, approvedBy } = grant;
  const token = await prepareAccessToken(ctx, { name: `cli-device-${userCode}`, owner: approvedBy, expiresAt: null });
  // Whoever polls has no name; whoever confirmed has.
  const by = (what: string) => ({ ...describeAct(ctx, `device_grant:${codeHash}:${what}`), actorType: "operator", actorId: personId(approvedBy) });
  const plan = token.writeTo(new Plan(ctx).guarded(markDelivered(ctx, codeHash, now)), by("token"));
  try {
    await plan.audit(governed({ action: "device_grant.deliver", kind: "DeviceGrant", key: userCode, after: { token_id: token.row.id } }, by("deliver"))).commit();
  } catch (error) {
    // Another poll was first.
    if (error instanceof LostUpdateError) throw over();
    throw error;
  }
  return { status: "authorized", token: token.plaintext };
}

const over = () => refusal("EXPIRED", "This code is unknown, expired or already used; start again.", { extras: { status: "expired" } });
