import type { Ctx } from "../../kernel/context";
import { describeAct } from "../../kernel/audit/audit";
import { Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { governanceConfig } from "../config";
import { deleteSession } from "./auth.store";
import { clearedSessionCookie, findBrowserSession, isFromOurPage } from "./browser-session";

/**
 * Ends the browser's session, if it has one; another site's page cannot.
 * @returns what the browser forgets
 */
export async function signOut(ctx: Ctx, headers: Headers): Promise<readonly string[]> {
  const { signIn } = governanceConfig(ctx);
  if (!signIn || !isFromOurPage(ctx, headers)) return [];
  const actor = await findBrowserSession(ctx, headers);
  if (actor) {
    const { id, subject, issuer } = actor.session;
    await new Plan(ctx)
      .write(deleteSession(ctx, id))
      .audit(governed({ action: "session.delete", kind: "Session", key: subject, before: { issuer } }, { ...describeAct(ctx, `session:${id}:end`), actorType: actor.type, actorId: actor.id }))
      .commit();
  }
  return [clearedSessionCookie(ctx, signIn)];
}
