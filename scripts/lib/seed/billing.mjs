import { createRandom } from "./random.mjs";
import { DAY_MS } from "./world.mjs";

/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./world.mjs").Person} Person */
/** @typedef {import("./insert.mjs").TableOfRows} TableOfRows */
/** @typedef {{ person: Person, id: string, externalId: string, source: "stripe" | "apple" | "admin_override", startedAt: number, status: string, periodStart: number, periodEnd: number }} Subscription */

const MONTH_MS = 30 * DAY_MS;
const DAYS_OF_GRACE_MS = 7 * DAY_MS;

/** Tables of plans and money. @param {World} world @returns {TableOfRows[]} */
export function billingTables(world) {
  const current = createSubscriptions(world);
  return [subscriptions(world, current), customers(world, current), payments(world, current), addons(world), summaries(world), downgrades(world), upgrades(world)];
}

/** Of everybody whose plan comes from one. @param {World} world @returns {Subscription[]} */
function createSubscriptions({ options: { seed, until, months }, people }) {
  const random = createRandom(seed, "subscriptions");
  return people.flatMap((person) => {
    if (person.by !== "stripe" && person.by !== "apple" && person.by !== "admin_override") return [];
    const age = Math.max(DAY_MS, until - person.trialEndsAt);
    const startedAt = until - Math.min(age, months * MONTH_MS - random.integer(MONTH_MS));
    const periods = Math.floor((until - startedAt) / MONTH_MS);
    const [id, token, isLate] = [random.uuid(), random.hex(20), random.happens(0.02)];
    const periodStart = startedAt + periods * MONTH_MS;
    return [{ person, id, externalId: person.by === "stripe" ? `sub_seed${token}` : `seed${token}`, source: person.by, startedAt, status: isLate && person.by !== "admin_override" ? "past_due" : "active", periodStart, periodEnd: periodStart + MONTH_MS }];
  });
}

/** Those in force, and ended ones of before. @param {World} world @param {readonly Subscription[]} current @returns {TableOfRows} */
function subscriptions({ options: { seed, until }, plans, people }, current) {
  const random = createRandom(seed, "ended subscriptions");
  const paid = plans.filter(({ price }) => price !== null && price > 0);
  return {
    table: "user_subscriptions",
    columns: ["id", "tenant_id", "plan_id", "source", "status", "external_id", "interval", "current_period_start", "current_period_end", "cancel_at_period_end", "grace_until", "provider_read_at", "ended_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const { id: tenant, standing, createdAt } of people) {
        if (standing === "unverified" || !random.happens(0.15)) continue;
        const at = createdAt + DAY_MS;
        const endedAt = Math.min(until, at + random.integer(200 * DAY_MS));
        yield [random.uuid(), tenant, random.pick(paid).id, "stripe", random.pick(["canceled", "expired"]), `sub_seedold${random.hex(17)}`, "month", at, endedAt, 0, null, endedAt, endedAt, at, endedAt];
      }
      for (const { person, id, externalId, source, startedAt, status, periodStart, periodEnd } of current) {
        const isBought = source !== "admin_override";
        const grace = status === "past_due" ? until + DAYS_OF_GRACE_MS : null;
        yield [id, person.id, person.plan.id, source, status, isBought ? externalId : null, isBought ? "month" : null, isBought ? periodStart : null, isBought ? periodEnd : null, isBought && random.happens(0.03) ? 1 : 0, grace, isBought ? periodStart : null, null, startedAt, periodStart];
      }
    })(),
  };
}

/** @param {World} world @param {readonly Subscription[]} current @returns {TableOfRows} */
function customers({ options: { seed } }, current) {
  const random = createRandom(seed, "customers");
  return {
    table: "billing_customers",
    columns: ["tenant_id", "sandbox", "customer_id", "created_at"],
    rows: (function* () {
      for (const { person, source, startedAt } of current) if (source === "stripe") yield [person.id, 1, `cus_seed${random.hex(16)}`, startedAt];
    })(),
  };
}

/** An invoice a month. @param {World} world @param {readonly Subscription[]} current @returns {TableOfRows} */
function payments({ options: { seed } }, current) {
  const random = createRandom(seed, "payments");
  return {
    table: "payments",
    columns: ["id", "tenant_id", "provider", "number", "status", "amount_paid", "currency", "paid_at", "period_start", "period_end", "description", "subscription_external_id", "provider_read_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const { person, source, externalId, startedAt, status, periodStart } of current) {
        if (source === "admin_override") continue;
        const cents = Math.round((person.plan.price ?? 0) * 100);
        for (let [at, n] = [startedAt, 1]; at <= periodStart; [at, n] = [at + MONTH_MS, n + 1]) {
          const isOpen = status === "past_due" && at === periodStart;
          yield [
            `${source === "stripe" ? "in_seed" : "apple_seed"}${random.hex(18)}`, person.id, source, source === "stripe" ? `SEED-${person.id}-${String(n).padStart(4, "0")}` : null, isOpen ? "open" : "paid", isOpen ? 0 : cents, "usd", at,
            at, at + MONTH_MS, `Sett ${person.plan.key}`, externalId, at, at, at,
          ];
        }
      }
    })(),
  };
}

/** One for every third cloud machine that is still there. @param {World} world @returns {TableOfRows} */
function addons({ options: { seed, until }, machines }) {
  const random = createRandom(seed, "addons");
  return {
    table: "user_cloud_vm_addons",
    columns: ["id", "tenant_id", "source", "external_id", "status", "product_id", "period_end", "grace_until", "ended_at", "provider_read_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const { owner, cloudVmId, archivedAt, createdAt } of machines) {
        if (cloudVmId === null || !random.happens(0.33)) continue;
        const status = archivedAt === null ? "active" : random.pick(["cancelled", "expired"]);
        yield [random.uuid(), owner.id, "stripe", `sub_seedvm${random.hex(16)}`, status, "cloud_vm", archivedAt ?? until + random.integer(30 * DAY_MS) + DAY_MS, null, archivedAt, createdAt, createdAt, archivedAt ?? createdAt];
      }
    })(),
  };
}

/** What people uploaded, by month and in all. @param {World} world @returns {TableOfRows} */
function summaries({ options: { seed, until, months }, owners }) {
  const random = createRandom(seed, "usage");
  const periods = Array.from({ length: months }, (_, back) => monthOf(until, back)).reverse();
  return {
    table: "usage_summaries",
    columns: ["tenant_id", "period", "metric", "used", "updated_at"],
    rows: (function* () {
      for (const { id, createdAt } of owners) {
        if (!random.happens(0.6)) continue;
        let total = 0;
        for (const { period, endsAt } of periods) {
          if (endsAt < createdAt) continue;
          const used = random.integer(40_000_000);
          total += used;
          yield [id, period, "media_bytes", used, Math.min(until, endsAt)];
        }
        if (total > 0) yield [id, "all", "media_bytes", total, until];
      }
    })(),
  };
}

/** The UTC month so many before that of `until`. @param {number} until @param {number} back */
function monthOf(until, back) {
  const now = new Date(until);
  const start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1);
  const endsAt = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back + 1, 1);
  return { period: new Date(start).toISOString().slice(0, 7), endsAt };
}

/** @param {World} world @returns {TableOfRows} */
function downgrades({ options: { seed, until }, plans, owners }) {
  const random = createRandom(seed, "downgrades");
  return {
    table: "downgrade_requests",
    columns: ["id", "tenant_id", "from_plan_id", "to_plan_id", "reason", "forced", "lowers_plan", "initiated_by", "grace_ends_at", "grace_ended_at", "resolved_features", "resolved_at", "resolution", "created_at", "updated_at"],
    rows: (function* () {
      for (const owner of owners) {
        const lower = plans.filter(({ tier }) => tier < owner.plan.tier);
        if (lower.length === 0) continue;
        for (let left = random.pick([0, 0, 1, 2]); left > 0; left--) {
          const at = Math.max(owner.createdAt, until - random.integer(360 * DAY_MS));
          const [to, resolvedAt] = [random.pick(lower), Math.min(until, at + random.integer(7 * DAY_MS))];
          const reason = random.pick(["payment_failure", "user_manual", "admin_manual"]);
          yield [random.uuid(), owner.id, owner.plan.id, to.id, reason, 0, 1, reason === "payment_failure" ? null : owner.id, at + DAYS_OF_GRACE_MS, null, "[]", resolvedAt, random.pick(["user_resolved", "admin_resolved", "re_upgraded"]), at, resolvedAt];
        }
        // At most one is open, and it ends long after everybody has looked.
        if (random.happens(0.03)) yield [random.uuid(), owner.id, owner.plan.id, random.pick(lower).id, "user_manual", 0, 1, owner.id, until + 60 * DAY_MS, null, "[]", null, null, until - DAY_MS, until - DAY_MS];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function upgrades({ options: { seed, until }, plans, owners }) {
  const random = createRandom(seed, "upgrades");
  return {
    table: "upgrade_requests",
    columns: ["id", "tenant_id", "from_plan_id", "to_plan_id", "trigger", "cause", "resolved_features", "resolved_at", "resolution", "created_at", "updated_at"],
    rows: (function* () {
      for (const owner of owners) {
        const lower = plans.filter(({ tier }) => tier < owner.plan.tier);
        if (lower.length === 0 || !random.happens(0.2)) continue;
        const at = Math.max(owner.createdAt, until - random.integer(300 * DAY_MS));
        const isOpen = random.happens(0.2);
        yield [random.uuid(), owner.id, random.pick(lower).id, owner.plan.id, "stripe_upgrade", `seed:${random.hex(12)}`, "[]", isOpen ? null : at, isOpen ? null : "resolved", at, at];
      }
    })(),
  };
}
