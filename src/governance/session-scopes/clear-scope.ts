import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import type { ClearedScopeView, SessionRef } from "./session-scopes.schemas";
import { deleteSessionScope, findSessionScope } from "./session-scopes.store";

/** Unbinds a session. @throws AppError NOT_FOUND, in the words of the success, when it is not bound */
export function clearScope(ctx: Ctx, { sessionKey }: z.output<typeof SessionRef>): Promise<z.input<typeof ClearedScopeView>> {
  return retryLostUpdate(async () => {
    const found = await findSessionScope(ctx, sessionKey);
    if (!found) throw new AppError("NOT_FOUND", "This session is not bound.", { extras: { sessionKey, cleared: false } });
    await new Plan(ctx)
      .guarded(deleteSessionScope(ctx, found))
      .audit(governed({ action: "session_scope.clear", kind: "SessionScope", key: sessionKey, before: { principal: found.principal, scopes: found.scopes.length } }))
      .commit();
    return { sessionKey, cleared: true as const };
  });
}
