import { and, count, eq, inArray, isNotNull, isNull, or, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { cliLogins, cliTokenEvents, cliTokens, externalIdentities, oneTimeCodes, recoveryKeys, sessions, users } from "../../schema/accounts";
import { downgradeRequests, payments, upgradeRequests, usageEvents, usageSummaries, userCloudVmAddons, userSubscriptions } from "../../schema/billing";
import { botGroups, botRooms, bots, botShares, pairings } from "../../schema/bots";
import { notifications, pushDevices } from "../../schema/devices";
import { fingerprintHistory, instances } from "../../schema/instances";
import { skillContents, skillTransfers } from "../../schema/skills";
import { assistantTurns, supportReports } from "../../schema/support";

/** Everything of one person, in every table. Each statement names the tenant. A table with a `tenant_id` that is missing here fails a test. */

/** The Matrix accounts of a person's bots, those of deleted ones as well. */
export function listBotAccounts(ctx: Ctx, tenantId: number): Promise<{ id: string; matrixId: string }[]> {
  return ctx.db.select({ id: bots.id, matrixId: bots.matrixId }).from(bots).where(eq(bots.tenantId, tenantId));
}

/** Cloud machines are those that we rent, whatever a machine calls itself. */
const isCloud = isNotNull(instances.cloudVmId);

export async function listLocalInstanceIds(ctx: Ctx, tenantId: number): Promise<string[]> {
  return (await ctx.db.select({ id: instances.instanceId }).from(instances).where(and(eq(instances.tenantId, tenantId), isNull(instances.cloudVmId)))).map(({ id }) => id);
}

/** Cloud machines that the provider has not given up yet: their rows are needed until it has. */
export async function countCloudInstances(ctx: Ctx, tenantId: number): Promise<number> {
  const [row] = await ctx.db.select({ n: count() }).from(instances).where(and(eq(instances.tenantId, tenantId), isCloud));
  return row?.n ?? 0;
}

export const deleteLocalInstances = (ctx: Ctx, tenantId: number) => ctx.db.delete(instances).where(and(eq(instances.tenantId, tenantId), isNull(instances.cloudVmId)));

export const deleteFingerprints = (ctx: Ctx, tenantId: number) => ctx.db.delete(fingerprintHistory).where(eq(fingerprintHistory.tenantId, tenantId)).returning({ fingerprint: fingerprintHistory.fingerprint });

const tokensOf = (ctx: Ctx, tenantId: number) => ctx.db.select({ id: cliTokens.id }).from(cliTokens).where(eq(cliTokens.tenantId, tenantId));
/** By the tokens that they are about: events are found by those. */
export const deleteCliTokenEvents = (ctx: Ctx, tenantId: number) => ctx.db.delete(cliTokenEvents).where(and(inArray(cliTokenEvents.tokenId, tokensOf(ctx, tenantId)), eq(cliTokenEvents.tenantId, tenantId)));
export const deleteCliTokens = (ctx: Ctx, tenantId: number) => ctx.db.delete(cliTokens).where(eq(cliTokens.tenantId, tenantId)).returning({ id: cliTokens.id });
export const deleteCliLogins = (ctx: Ctx, tenantId: number) => ctx.db.delete(cliLogins).where(eq(cliLogins.tenantId, tenantId));

/** Bots of others that this person may talk to. */
export function listBotsSharedWith(ctx: Ctx, recipientId: number) {
  return ctx.db
    .select({ id: bots.id, tenantId: bots.tenantId, matrixId: bots.matrixId, instanceId: bots.instanceId })
    .from(botShares)
    .innerJoin(bots, eq(bots.id, botShares.botId))
    .where(and(eq(botShares.recipientId, recipientId), isNull(botShares.endedAt)));
}

export const endSharesWith = (ctx: Ctx, recipientId: number, now: number) =>
  ctx.db
    .update(botShares)
    .set({ endedAt: now, endReason: "left", updatedAt: now, version: sql`${botShares.version} + 1` })
    .where(and(eq(botShares.recipientId, recipientId), isNull(botShares.endedAt)));

export const deleteShares = (ctx: Ctx, userId: number) => ctx.db.delete(botShares).where(or(eq(botShares.tenantId, userId), eq(botShares.recipientId, userId))).returning({ id: botShares.id });

/** Apple's ids of subscriptions and add-ons that renew. */
export async function listAppleRenewals(ctx: Ctx, tenantId: number): Promise<readonly string[]> {
  const [subscriptions, addons] = await ctx.db.batch([
    ctx.db
      .select({ id: userSubscriptions.externalId })
      .from(userSubscriptions)
      .where(and(eq(userSubscriptions.tenantId, tenantId), eq(userSubscriptions.source, "apple"), eq(userSubscriptions.cancelAtPeriodEnd, false), inArray(userSubscriptions.status, ["trialing", "active", "past_due", "grace"]))),
    ctx.db
      .select({ id: userCloudVmAddons.externalId })
      .from(userCloudVmAddons)
      .where(and(eq(userCloudVmAddons.tenantId, tenantId), eq(userCloudVmAddons.source, "apple"), inArray(userCloudVmAddons.status, ["active", "grace"]))),
  ]);
  return [...subscriptions, ...addons].map(({ id }) => id ?? "unknown");
}

/** How somebody signs in, and what was kept for that. */
export const identityStatements = (ctx: Ctx, tenantId: number) => [
  ctx.db.delete(sessions).where(eq(sessions.tenantId, tenantId)),
  ctx.db.delete(externalIdentities).where(eq(externalIdentities.tenantId, tenantId)),
  ctx.db.delete(oneTimeCodes).where(eq(oneTimeCodes.tenantId, tenantId)),
  ctx.db.delete(recoveryKeys).where(eq(recoveryKeys.tenantId, tenantId)),
  ctx.db.delete(pushDevices).where(eq(pushDevices.tenantId, tenantId)),
];

const botsOf = (ctx: Ctx, tenantId: number) => ctx.db.select({ id: bots.id }).from(bots).where(eq(bots.tenantId, tenantId));

/**
 * Whatever is left, the person's own row last: also what a step before this one could not remove. What was audited stays: it tells who
 * removed whom; and who they are at the payment provider, until they are deleted there.
 */
export const remainingStatements = (ctx: Ctx, tenantId: number) => [
  deleteFingerprints(ctx, tenantId),
  deleteCliTokenEvents(ctx, tenantId),
  deleteCliTokens(ctx, tenantId),
  deleteCliLogins(ctx, tenantId),
  deleteShares(ctx, tenantId),
  ...identityStatements(ctx, tenantId),
  ctx.db.delete(botRooms).where(inArray(botRooms.botId, botsOf(ctx, tenantId))),
  ctx.db.delete(botGroups).where(eq(botGroups.tenantId, tenantId)),
  ctx.db.delete(pairings).where(eq(pairings.tenantId, tenantId)),
  ctx.db.delete(bots).where(eq(bots.tenantId, tenantId)),
  ctx.db.delete(userSubscriptions).where(eq(userSubscriptions.tenantId, tenantId)),
  ctx.db.delete(userCloudVmAddons).where(eq(userCloudVmAddons.tenantId, tenantId)),
  ctx.db.delete(payments).where(eq(payments.tenantId, tenantId)),
  ctx.db.delete(usageSummaries).where(eq(usageSummaries.tenantId, tenantId)),
  ctx.db.delete(usageEvents).where(eq(usageEvents.tenantId, tenantId)),
  ctx.db.delete(downgradeRequests).where(eq(downgradeRequests.tenantId, tenantId)),
  ctx.db.delete(upgradeRequests).where(eq(upgradeRequests.tenantId, tenantId)),
  ctx.db.delete(notifications).where(eq(notifications.tenantId, tenantId)),
  ctx.db.delete(supportReports).where(eq(supportReports.tenantId, tenantId)),
  ctx.db.delete(assistantTurns).where(eq(assistantTurns.tenantId, tenantId)),
  ctx.db.delete(skillTransfers).where(eq(skillTransfers.tenantId, tenantId)),
  ctx.db.delete(skillContents).where(eq(skillContents.tenantId, tenantId)),
  ctx.db.delete(users).where(and(eq(users.id, tenantId), eq(users.role, "user"))),
];
