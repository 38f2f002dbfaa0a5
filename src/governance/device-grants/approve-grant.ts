import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import type { BrowserSession } from "../../kernel/auth/actor";
import { timingSafeEqual, utf8 } from "../../kernel/crypto/bytes";
import { keyedHash } from "../../kernel/crypto/keyed-hash";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { parseInput } from "../../kernel/http/validate";
import { governed } from "../audit-trail";
import { normalizeUserCode } from "./device-grants.core";
import { approveGrant, findGrantByUserCode, type DeviceGrant } from "./device-grants.store";

const ApprovalForm = z.object({ userCode: z.string().min(1).max(32), csrf: z.string().max(128) });

/** What a page must send back, so that no other page can confirm in the person's name. */
export const approvalProof = (ctx: Ctx, session: BrowserSession, userCode: string): Promise<string> => keyedHash(ctx.config.passwordPepper, `device-grant:${session.id}:${userCode}`);

/** A grant that still waits, or that this very person confirmed. @throws NOT_FOUND */
export async function requireOpenGrant(ctx: Ctx, typed: string, session: BrowserSession): Promise<DeviceGrant> {
  const grant = await findGrantByUserCode(ctx, normalizeUserCode(typed), ctx.clock.now());
  if (!grant || (grant.approvedBy !== null && grant.approvedBy !== session.subject)) throw new AppError("NOT_FOUND", "This code is unknown, expired or already used.");
  return grant;
}

/** The session of an operator in a browser. @throws FORBIDDEN */
export function requireOperatorSession({ actor }: Pick<Ctx, "actor">): BrowserSession {
  if (actor.type !== "operator" || actor.session === null) throw new AppError("FORBIDDEN", "Only an operator can give a command line access.");
  return actor.session;
}

/**
 * Lets a command line have a token of the signed-in operator. Confirming twice is harmless.
 * @param form fields of the page's form
 * @throws FORBIDDEN (no operator, or not sent by our page), NOT_FOUND, VALIDATION_ERROR
 */
export async function approveDeviceGrant(ctx: Ctx, form: URLSearchParams): Promise<void> {
  const session = requireOperatorSession(ctx);
  const { userCode, csrf } = parseInput(ApprovalForm, Object.fromEntries(form), "body");
  const code = normalizeUserCode(userCode);
  if (!timingSafeEqual(utf8(csrf), utf8(await approvalProof(ctx, session, code)))) throw new AppError("FORBIDDEN", "This page is too old; open the link again.");
  const grant = await requireOpenGrant(ctx, code, session);
  if (grant.approvedAt !== null) return;
  try {
    await new Plan(ctx)
      .guarded(approveGrant(ctx, grant.codeHash, session.subject, ctx.clock.now()))
      .audit(governed({ action: "device_grant.approve", kind: "DeviceGrant", key: grant.userCode, after: { subject: session.subject, email: session.email } }))
      .commit();
  } catch (error) {
    // The same person, twice at once, or somebody else, or too late: the row tells.
    if (error instanceof LostUpdateError) return void (await requireOpenGrant(ctx, code, session));
    throw error;
  }
}
