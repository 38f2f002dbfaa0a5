import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { requireAccountId, requireTenant } from "./require-tenant";
import { listTenantBots } from "./tenant-machines.queries";
import type { OwnerBody, TenantBotRef, TenantBotView } from "./tenant-machines.schemas";
import { botIsThere, countBots, dropDeadBotLink, findBotLink, hasBot, tenantLives, upsertBotLink } from "./tenant-machines.store";

/** Bots of one tenant: all stand in its machines' contracts. */
const MAX_BOTS = 500;

/**
 * Makes a bot the tenant's, whatever machine it lives on. It is listed, and named in the contracts of the tenant's machines; where it
 * may live is its owner's affair as before.
 * @throws AppError TENANT_NOT_FOUND, NOT_FOUND for bots that are unknown or not the owner's, CONFLICT when another tenant has it
 */
export async function attachBot(ctx: Ctx, { name, botId }: z.output<typeof TenantBotRef>, body: z.output<typeof OwnerBody>): Promise<z.input<typeof TenantBotView>> {
  await retryLostUpdate(() => link(ctx, name, botId, body));
  const bot = (await listTenantBots(ctx, { name })).find((one) => one.botId === botId);
  if (!bot) throw notFound("Bot");
  return bot;
}

async function link(ctx: Ctx, name: string, botId: string, body: z.output<typeof OwnerBody>): Promise<void> {
  const tenant = await requireTenant(ctx, name);
  const ownerEmail = body.owner ?? tenant.email;
  const userId = await requireAccountId(ctx, ownerEmail, "Bot");
  if (!(await hasBot(ctx, userId, botId))) throw notFound("Bot");
  const [known, bots] = await Promise.all([findBotLink(ctx, botId), countBots(ctx, name)]);
  if (known && known.tenant !== name) throw new AppError("CONFLICT", "Another tenant owns this bot.");
  if (!known && bots >= MAX_BOTS) throw new AppError("CONFLICT", `A tenant owns at most ${MAX_BOTS} bots.`);
  const now = ctx.clock.now();
  const plan = new Plan(ctx)
    .require(tenantLives(ctx, tenant))
    .require(botIsThere(ctx, botId, userId))
    .write(dropDeadBotLink(ctx, botId))
    .guarded(upsertBotLink(ctx, { botId, tenant: name, tenantBorn: tenant.born, userId, ownerEmail, createdAt: now, updatedAt: now }))
    .audit(governed({ action: "tenant.attach_bot", kind: "Tenant", key: name, tenant: name, message: `Bot ${botId}`, after: { botId, owner: ownerEmail } }));
  contractsChanged(plan, [name]);
  await plan.commit();
}
