import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { governanceConfig } from "../config";
import { toPersonView, type MeView } from "./auth.schemas";
import { findBrowserSession } from "./browser-session";

/** Who is signed in with this browser. Tokens do not count. */
export async function getMe(ctx: Ctx, headers: Headers): Promise<z.input<typeof MeView>> {
  const actor = await findBrowserSession(ctx, headers);
  return { mode: governanceConfig(ctx).signIn ? "oidc" : "none", authenticated: actor !== null, user: actor && toPersonView(actor.session, actor.type) };
}
