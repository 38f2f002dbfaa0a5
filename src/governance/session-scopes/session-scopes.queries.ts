import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { compileGrants } from "../grants";
import { intersect } from "./session-scopes.core";
import { toSessionScopeView, type SessionRef, type SessionScopeView } from "./session-scopes.schemas";
import { findSessionScope } from "./session-scopes.store";

/** What a session was bound to, and what of it the grants of this moment still allow. @throws AppError NOT_FOUND when it is not bound */
export async function getSessionScope(ctx: Ctx, { sessionKey }: z.output<typeof SessionRef>): Promise<z.input<typeof SessionScopeView>> {
  const found = await findSessionScope(ctx, sessionKey);
  if (!found) throw new AppError("NOT_FOUND", "This session is not bound.");
  const { awareness } = await compileGrants(ctx, found.principal);
  return toSessionScopeView(found, intersect(found.scopes, awareness).granted);
}
