import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { describeCause } from "../../kernel/logging/logger";
import { findAccountById, type Account } from "../accounts";
import { notifySharesEnded, tellSharesEnded } from "../bot-shares";
import { retireBotsOf } from "../bots";
import { revokeAllCliTokens } from "../cli-tokens";
import { destroyCloudVmsOf } from "../cloud-vms";
import { purgeInstance } from "../instances";
import { matrixDeactivation } from "../matrix-accounts";
import { deleteCustomerOf, findCustomer } from "../payments";
import { purgeFeed } from "./purge-feed";
import { counted, done, failed, type StepName, type StepOutcome } from "./user-removal.core";
import {
  countCloudInstances,
  deleteCliLogins,
  deleteCliTokenEvents,
  deleteCliTokens,
  deleteFingerprints,
  deleteLocalInstances,
  deleteShares,
  endSharesWith,
  identityStatements,
  listAppleRenewals,
  listBotAccounts,
  listBotsSharedWith,
  listLocalInstanceIds,
  remainingStatements,
} from "./user-removal.store";

type Step = (ctx: OwnerCtx, user: Account) => Promise<StepOutcome>;

/** Accounts that are ended at the homeserver at once. */
const LANES = 5;
/** Effects of one commit. */
const EFFECTS_MAX = 100;
/** Pages of a thousand files each. */
const FILE_PAGES_MAX = 50;

const rowsOf = (result: unknown): number => (Array.isArray(result) ? result.length : 0);

/**
 * Ends accounts on the homeserver and what they wrote. The outbox is told first, so that none is forgotten should this break off; a repeat
 * is harmless. Nothing more is asked once the homeserver failed to answer. @returns how many are left to the outbox
 */
async function eraseAccounts(ctx: OwnerCtx, matrixIds: readonly string[]): Promise<number> {
  for (let i = 0; i < matrixIds.length; i += EFFECTS_MAX) {
    const plan = new Plan(ctx);
    for (const matrixId of matrixIds.slice(i, i + EFFECTS_MAX)) {
      const effect = matrixDeactivation(ctx, matrixId, true);
      if (effect) plan.effect(effect);
    }
    await plan.commit();
  }
  const waiting = [...matrixIds];
  let late = 0;
  const lane = async (): Promise<void> => {
    for (let matrixId = waiting.shift(); matrixId !== undefined; matrixId = waiting.shift()) {
      try {
        await ctx.services.matrix?.admin?.deactivate(matrixId, true);
      } catch (error) {
        ctx.log.warn("an account was not ended on the homeserver yet", { event: "user.hard_delete.matrix_late", ...describeCause(error) });
        late += 1 + waiting.splice(0).length;
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return late;
}

const bots: Step = async (ctx, user) => {
  await retireBotsOf(ctx, user.id);
  const accounts = await listBotAccounts(ctx, user.id);
  const n = counted(accounts.length, "bot");
  if (!ctx.services.matrix?.admin) return accounts.length === 0 ? done(n) : failed(`${n}; no homeserver is configured where their accounts could be ended`);
  const late = await eraseAccounts(ctx, accounts.map(({ matrixId }) => matrixId));
  return late === 0 ? done(`${n} erased on the homeserver`) : failed(`${n}; ${late} not ended on the homeserver yet, tried again from the outbox`);
};

/** Removes machines of people's own from the lists; the outbox empties their objects. @returns their ids */
async function dropLocalInstances(ctx: OwnerCtx, userId: number): Promise<readonly string[]> {
  const ids = await listLocalInstanceIds(ctx, userId);
  const plan = new Plan(ctx).write(deleteLocalInstances(ctx, userId));
  for (const instanceId of ids) plan.effect({ type: "instance.purge", payload: { userId, instanceId } });
  await plan.commit();
  return ids;
}

const instances: Step = async (ctx, user) => {
  const ids = await dropLocalInstances(ctx, user.id);
  // The outbox does what fails here.
  await Promise.allSettled(ids.map((instanceId) => purgeInstance(ctx, { userId: user.id, instanceId })));
  // Whatever is reported after this, the effect of the last step empties.
  await purgeFeed(ctx, { userId: user.id }).catch(() => undefined);
  try {
    await destroyCloudVmsOf(ctx, { userId: user.id });
  } catch (error) {
    ctx.log.warn("cloud machines were not destroyed yet", { event: "user.hard_delete.cloud_late", account_id: user.id, ...describeCause(error) });
    await new Plan(ctx).effect({ type: "cloud_vms.destroy_all", payload: { userId: user.id } }).commit();
  }
  const cloud = await countCloudInstances(ctx, user.id);
  const n = counted(ids.length, "machine");
  return cloud === 0 ? done(`${n} removed`) : failed(`${n} removed; ${counted(cloud, "cloud machine")} still being destroyed, tried until the provider has`);
};

const fingerprints: Step = async (ctx, user) => {
  const [rows] = await new Plan(ctx).write(deleteFingerprints(ctx, user.id)).commit();
  return done(`${counted(rowsOf(rows), "sighting")} forgotten`);
};

const cliTokens: Step = async (ctx, user) => {
  const plan = new Plan(ctx);
  // Before the rows go, so that the objects that vouch for the tokens hear of it.
  await revokeAllCliTokens(ctx, plan, user.id, ctx.clock.now());
  await plan.commit();
  const [, tokens] = await new Plan(ctx).write(deleteCliTokenEvents(ctx, user.id)).write(deleteCliTokens(ctx, user.id)).write(deleteCliLogins(ctx, user.id)).commit();
  return done(`${counted(rowsOf(tokens), "token")} removed with their history`);
};

const shares: Step = async (ctx, user) => {
  const now = ctx.clock.now();
  const shared = await listBotsSharedWith(ctx, user.id);
  const plan = new Plan(ctx).write(endSharesWith(ctx, user.id, now));
  for (const bot of shared) tellSharesEnded(plan, bot.tenantId, [bot], now);
  await plan.commit();
  // Told now, because what is told is read from the rows that go next.
  const told = await Promise.allSettled(shared.map((bot) => notifySharesEnded(ctx, { tenantId: bot.tenantId, botId: bot.id, botMatrixId: bot.matrixId, instanceId: bot.instanceId, endedAt: now })));
  const [rows] = await new Plan(ctx).write(deleteShares(ctx, user.id)).commit();
  const n = `${counted(rowsOf(rows), "share")} removed`;
  const untold = told.filter(({ status }) => status === "rejected").length;
  return untold === 0 ? done(n) : failed(`${n}; ${counted(untold, "machine")} of others could not be told`);
};

const payments: Step = async (ctx, user) => {
  // Only the person can end what Apple charges for.
  const apple = await listAppleRenewals(ctx, user.id);
  const note = apple.length === 0 ? "" : `; Apple goes on charging for ${apple.join(", ")} until the person cancels there`;
  const customer = await findCustomer(ctx, user.id);
  try {
    await deleteCustomerOf(ctx, { userId: user.id });
  } catch (error) {
    ctx.log.warn("a customer was not deleted", { event: "user.hard_delete.customer_late", account_id: user.id, ...describeCause(error) });
    await new Plan(ctx).effect({ type: "customer.delete", payload: { userId: user.id } }).commit();
    return failed(`customer ${customer?.customerId ?? "unknown"} is still at the payment provider, tried again from the outbox${note}`);
  }
  const gone = customer ? `customer ${customer.customerId} deleted with its subscriptions` : "no customer";
  return note === "" ? done(gone) : failed(gone + note);
};

const files: Step = async (ctx, user) => {
  let n = 0;
  let isLeft = false;
  for (const prefix of [`verifications/${user.id}/`, `skills/${user.id}/`]) {
    let keys = await ctx.services.files.list(prefix);
    for (let page = 0; page < FILE_PAGES_MAX && keys.length > 0; page++) {
      for (const key of keys) await ctx.services.files.delete(key);
      n += keys.length;
      keys = await ctx.services.files.list(prefix);
    }
    isLeft ||= keys.length > 0;
  }
  return isLeft ? failed(`${counted(n, "file")} deleted; there are more, which must be deleted by hand`) : done(`${counted(n, "file")} deleted`);
};

const matrix: Step = async (ctx, user) => {
  // As it is now; one that was being made when the account was locked counts, its answer may be lost.
  const now = (await findAccountById(ctx, user.id)) ?? user;
  if (!now.matrixAccountCreated && now.matrixClaimedAt === null) return done("no Matrix account");
  if (!ctx.services.matrix?.admin) return failed("no homeserver is configured where the account could be ended");
  return (await eraseAccounts(ctx, [user.matrixId])) === 0 ? done(`${user.matrixId} erased; the name is reclaimable`) : failed(`${user.matrixId} not ended yet, tried again from the outbox`);
};

const identity: Step = async (ctx, user) => {
  const plan = new Plan(ctx);
  for (const statement of identityStatements(ctx, user.id)) plan.write(statement);
  await plan.commit();
  return done("sessions, codes, outside identities and devices removed; the address is free");
};

const database: Step = async (ctx, user) => {
  // The last look: what a step before this one left for want of something else has nobody to remove it once the account is gone.
  await dropLocalInstances(ctx, user.id);
  const plan = new Plan(ctx);
  for (const statement of remainingStatements(ctx, user.id)) plan.write(statement);
  await plan.effect({ type: "account_feed.purge", payload: { userId: user.id } }).commit();
  return done("the account is gone");
};

/** Each is harmless when repeated. */
export const removalSteps: Readonly<Record<StepName, Step>> = { bots, instances, fingerprints, cli_tokens: cliTokens, shares, payments, files, matrix, identity, database };
