import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { compileGrants } from "../grants";
import { intersect, readSelectors } from "./session-scopes.core";
import { toBoundScopeView, type BindScopeBody, type BoundScopeView, type SessionRef } from "./session-scopes.schemas";
import { findSessionScope, insertSessionScope, SESSION_KEY_INDEX, updateSessionScope } from "./session-scopes.store";

/**
 * Binds a session to what of the asked its principal is granted now.
 * @throws OVER_SCOPE with `rejected` when nothing of it is granted; what was bound before stays then
 */
export function bindScope(ctx: Ctx, { sessionKey }: z.output<typeof SessionRef>, { principal, scopes: raw }: z.output<typeof BindScopeBody>): Promise<z.input<typeof BoundScopeView>> {
  const asked = readSelectors(raw);
  return retryLostUpdate(async () => {
    const [decisions, found] = await Promise.all([compileGrants(ctx, principal), findSessionScope(ctx, sessionKey)]);
    const { granted, rejected } = intersect(asked, decisions.awareness);
    if (granted.length === 0) throw refusal("OVER_SCOPE", "Nothing of what was asked for is granted to this principal.", { extras: { rejected } });
    const now = ctx.clock.now();
    const binding = { sessionKey, principal, scopes: granted, createdAt: found?.createdAt ?? now, updatedAt: now };
    const plan = new Plan(ctx);
    if (found) plan.guarded(updateSessionScope(ctx, found, binding));
    else plan.write(insertSessionScope(ctx, binding));
    plan.audit(governed({ action: "session_scope.bind", kind: "SessionScope", key: sessionKey, after: { principal, scopes: granted.length, rejected: rejected.length } }));
    try {
      await plan.commit();
    } catch (error) {
      // Somebody else bound it in between: then ours comes after.
      if (isUniqueViolation(error, SESSION_KEY_INDEX)) throw new LostUpdateError(error);
      throw error;
    }
    return toBoundScopeView(binding, rejected);
  });
}
