import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { escapeHtml, findBrowserSession, renderPage, requireSignIn } from "../auth";
import { approvalProof, requireOpenGrant, requireOperatorSession } from "./approve-grant";
import type { ActivateQuery } from "./device-grants.schemas";
import type { DeviceGrant } from "./device-grants.store";

export const ACTIVATE_PATH = "/api/v1/auth/device/activate";

/**
 * What a person with a code sees: the question, or first the way to sign in.
 * @throws NOT_CONFIGURED (nobody can sign in), FORBIDDEN (no operator), NOT_FOUND
 */
export async function showActivation(ctx: Ctx, { userCode }: z.output<typeof ActivateQuery>, headers: Headers): Promise<{ readonly location: string } | { readonly html: string }> {
  requireSignIn(ctx);
  const actor = await findBrowserSession(ctx, headers);
  // Codes are looked up for people only whom somebody vouches for.
  if (!actor) return { location: `/api/v1/auth/login?returnTo=${encodeURIComponent(`${ACTIVATE_PATH}?userCode=${encodeURIComponent(userCode)}`)}` };
  const session = requireOperatorSession({ actor });
  const grant = await requireOpenGrant(ctx, userCode, session);
  if (grant.approvedAt !== null) return { html: approvedPage() };
  return { html: questionPage(grant, session.email ?? session.name ?? session.subject, await approvalProof(ctx, session, grant.userCode)) };
}

const questionPage = ({ userCode, ip, userAgent }: DeviceGrant, who: string, proof: string): string =>
  renderPage(
    "Give a command line access?",
    `<p>Does your terminal show this code?</p><p><code>${escapeHtml(userCode)}</code></p>
<p>It will act as <strong>${escapeHtml(who)}</strong>, with full power and until its token is revoked. If you did not start this, close the page.</p>
<form method="post" action="${ACTIVATE_PATH}"><input type="hidden" name="userCode" value="${escapeHtml(userCode)}"><input type="hidden" name="csrf" value="${escapeHtml(proof)}"><button type="submit">Give access</button></form>
<p><small>Asked from ${escapeHtml(ip ?? "an unknown address")}${userAgent === null ? "" : ` by ${escapeHtml(userAgent)}`}</small></p>`,
  );

/** What a person sees who has confirmed. */
export const approvedPage = (): string => renderPage("Access given", "<p>Your terminal goes on by itself. You may close this page.</p>");
