import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { toSessionView, type SessionListView } from "./sessions.schemas";
import { listLiveSessions } from "./sessions.store";

/** The caller's signed-in devices, last seen first. */
export async function listSessions(ctx: OwnerCtx): Promise<z.input<typeof SessionListView>> {
  return { sessions: (await listLiveSessions(ctx, ctx.actor.userId, ctx.clock.now())).map(toSessionView) };
}
