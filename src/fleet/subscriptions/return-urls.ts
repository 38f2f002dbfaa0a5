import { webOrigin, type Ctx } from "../../kernel/context";

/** Where the provider's pages send people: the console, or the app if one is configured. */
export type ReturnTo = "app" | "web";

/** An address to come back to, with how it went, for example `checkout=success`. */
export function returnUrl(ctx: Ctx, to: ReturnTo, outcome?: readonly [string, string]): string {
  const url = new URL(to === "app" && ctx.config.appReturnUrl !== null ? ctx.config.appReturnUrl : `${webOrigin(ctx)}/billing`);
  if (outcome) url.searchParams.set(...outcome);
  return url.href;
}
