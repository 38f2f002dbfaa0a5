import type { BrowserSession } from "../../kernel/auth/actor";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { listTenantsOf, type OwnTenant } from "./tenant-sessions.store";

/**
 * The caller's browser session and the one tenant with its address. Never named by the caller.
 * @throws UNAUTHORIZED (no session), FORBIDDEN (a session without a proven address), NO_TENANT, AMBIGUOUS_TENANT
 */
export async function requireOwnTenant(ctx: Ctx): Promise<{ readonly session: BrowserSession; readonly tenant: OwnTenant }> {
  const { actor } = ctx;
  const session = actor.type === "operator" || actor.type === "member" ? actor.session : null;
  if (!session) throw refusal("UNAUTHORIZED", "Sign in with a browser first.");
  if (session.email === null || !session.emailVerified) throw new AppError("FORBIDDEN", "Your identity provider does not vouch for an e-mail address of yours.");
  const [tenant, another] = await listTenantsOf(ctx, session.email);
  if (!tenant) throw refusal("NO_TENANT", "No tenant has your e-mail address.");
  if (another) throw refusal("AMBIGUOUS_TENANT", "More than one tenant has your e-mail address.");
  return { session, tenant };
}
