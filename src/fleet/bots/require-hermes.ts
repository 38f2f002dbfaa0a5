import { accountFeedObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";

/** @throws AppError HERMES_NOT_ENABLED (by the operator), HERMES_NOT_INSTALLED (on none of the caller's machines) */
export async function requireHermes(ctx: OwnerCtx): Promise<void> {
  if (!ctx.config.bots.hermesEnabled) throw new AppError("HERMES_NOT_ENABLED", "The Hermes runtime is not enabled on this server.");
  const machines = await accountFeedObject(ctx.objects, ctx.actor.userId).listMachines(ctx.actor.userId);
  if (!machines.some((machine) => machine.hasHermes)) throw new AppError("HERMES_NOT_INSTALLED", "None of your machines has Hermes installed.");
}
