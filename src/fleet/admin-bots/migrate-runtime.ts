import type { z } from "zod";
import { accountFeedObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { requireUserToChange } from "../admin-users";
import { bumpRoster, findBotRow, projectEffect, updateBotRow } from "../bots";
import type { AdminBotRef, MigratedRuntimeView, MigrateRuntimeBody } from "./admin-bots.schemas";

/**
 * Says which runtime somebody's bot is paired to next. What runs now goes on until then.
 * @throws AppError NOT_FOUND, FORBIDDEN (an administrator's), RUNTIME_UNCHANGED, HERMES_NOT_INSTALLED (on none of its owner's machines)
 */
export function migrateRuntime(ctx: OwnerCtx, { bot_id: botId, runtime }: z.output<typeof AdminBotRef> & z.output<typeof MigrateRuntimeBody>): Promise<z.input<typeof MigratedRuntimeView>> {
  return retryLostUpdate(async () => {
    const bot = await findBotRow(ctx, botId);
    if (bot?.status !== "active") throw notFound("Bot");
    await requireUserToChange(ctx, bot.tenantId, { orOneself: true });
    if (bot.runtime === runtime) throw new AppError("RUNTIME_UNCHANGED", `The bot's runtime is ${runtime} already.`);
    if (runtime === "hermes") {
      const machines = await accountFeedObject(ctx.objects, bot.tenantId).listMachines(bot.tenantId);
      if (!machines.some((machine) => machine.hasHermes)) throw new AppError("HERMES_NOT_INSTALLED", "None of the owner's machines has Hermes installed.");
    }
    const plan = new Plan(ctx)
      .guarded(updateBotRow(ctx, bot, { runtime }))
      .audit({ action: "bot.migrate_runtime", tenantId: bot.tenantId, subject: { type: "bot", id: bot.id }, detail: { before: { runtime: bot.runtime }, after: { runtime } } });
    if (bot.instanceId !== null) plan.write(bumpRoster(ctx, bot.tenantId, bot.instanceId)).effect(projectEffect(bot.tenantId, [bot.instanceId]));
    await plan.commit();
    const paired = bot.instanceId !== null;
    return { ok: true, bot_id: bot.id, previous_runtime: bot.runtime, runtime, repair_needed: paired, message: paired ? "Pair the bot again to move it; until then it runs as before." : `The bot's next pairing is with ${runtime}.` };
  });
}
