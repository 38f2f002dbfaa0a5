import { createRandom } from "./random.mjs";
import { BOT_WORDS, DOMAINS, FIRST_NAMES, LAST_NAMES, MACHINE_WORDS } from "./words.mjs";

/**
 * Who there is and who has what, decided before any row is made: what a plan carries depends on all that somebody has.
 * People come in the order in which they signed up; the older an account, the more it tends to have.
 */

export const DAY_MS = 86_400_000;
/** What was made when: over this time before the end. */
export const SPAN_MS = 730 * DAY_MS;
const TRIAL_MS = 14 * DAY_MS;
/** Nobody has more machines. */
const MACHINES_MAX = 500;

/** @typedef {{ users: number, machines: number, bots: number, months: number, seed: string, until: number, serverName: string, firstUserId: number }} WorldOptions */
/** @typedef {"deleted" | "deactivated" | "unverified" | "active"} Standing */
/** What a plan carries; `Infinity` without a cap. @typedef {{ id: number, key: string, tier: number, machines: number, bots: number, shares: number, price: number | null }} PlanCaps */
/**
 * @typedef {object} Person
 * @property {number} id
 * @property {string} sub
 * @property {string} username
 * @property {string} email
 * @property {string} name
 * @property {"user" | "admin" | "superadmin"} role
 * @property {Standing} standing
 * @property {number} createdAt
 * @property {number} trialEndsAt
 * @property {number} machines those that a plan has to carry
 * @property {number} bots
 * @property {PlanCaps} plan
 * @property {"trial" | "free" | "stripe" | "apple" | "admin_override" | "operator"} by why somebody is on the plan
 * @property {boolean} parks what the plan does not carry is parked; false: over capacity
 */
/** @typedef {{ owner: Person, instanceId: string, label: string, createdAt: number, cloudVmId: string | null, archivedAt: number | null, parked: boolean }} Machine */
/** @typedef {{ owner: Person, machine: Machine | null, username: string, name: string, createdAt: number, status: "active" | "deleted", parked: boolean, id: string, pairingId: string | null }} Bot */
/** @typedef {ReturnType<typeof createWorld>} World */

/** When the nth of `count` came to be. @param {number} until @param {number} n @param {number} count */
const momentOf = (until, n, count) => until - SPAN_MS + Math.floor((SPAN_MS * (n + 0.5)) / count);

/** @param {WorldOptions} options @param {readonly PlanCaps[]} plans by tier */
export function createWorld(options, plans) {
  const people = createPeople(options, plans);
  const owners = people.filter(({ standing, role }, index) => standing === "active" && role === "user" && (index % 5 !== 0 || options.users < 50));
  if (owners.length === 0) throw new Error("There must be somebody to own machines: take more users.");
  const machines = createMachines(options, owners);
  const bots = createBots(options, owners, machines);
  choosePlans(options, owners, plans);
  parkSurplus(machines, bots);
  return { options, plans, people, owners, machines, bots };
}

/** @param {WorldOptions} options @param {readonly PlanCaps[]} plans @returns {Person[]} */
function createPeople({ users, seed, until, firstUserId }, plans) {
  const random = createRandom(seed, "people");
  const free = planOf(plans, "free");
  const trial = planOf(plans, "free_trial");
  return Array.from({ length: users }, (_, n) => {
    const [first, last] = [random.pick(FIRST_NAMES), random.pick(LAST_NAMES)];
    const createdAt = momentOf(until, n, users);
    const trialEndsAt = createdAt + TRIAL_MS;
    const chance = random.unit();
    /** @type {Standing} */
    const standing = n < 3 || chance < 0.89 ? "active" : chance < 0.95 ? "unverified" : chance < 0.98 ? "deactivated" : "deleted";
    const inTrial = trialEndsAt > until;
    return {
      id: firstUserId + n,
      sub: random.uuid(),
      username: n < 2 ? ["seedkeeper", "seedwarden"][n] ?? "" : `${first}${last}${n}`.toLowerCase(),
      email: n < 2 ? `${["keeper", "warden"][n]}@seed.example` : `${first}.${last}.${n}@${random.pick(DOMAINS)}`,
      name: `${first} ${last}`,
      role: n === 0 ? "superadmin" : n === 1 ? "admin" : "user",
      standing,
      createdAt,
      trialEndsAt,
      machines: 0,
      bots: 0,
      plan: inTrial ? trial : free,
      by: inTrial ? "trial" : "free",
      parks: true,
    };
  });
}

/** @param {readonly PlanCaps[]} plans @param {string} key */
function planOf(plans, key) {
  const plan = plans.find((one) => one.key === key);
  if (!plan) throw new Error(`The database knows no plan ${key}.`);
  return plan;
}

/** Owners of the first moments have most. @param {WorldOptions} options @param {readonly Person[]} owners @returns {Machine[]} */
function createMachines({ machines, seed, until }, owners) {
  const random = createRandom(seed, "machines");
  return Array.from({ length: machines }, (_, n) => {
    const createdAt = momentOf(until, n, machines);
    const there = Math.max(1, Math.ceil((owners.length * (n + 1)) / machines));
    let owner = /** @type {Person} */ (owners[Math.floor(there * random.unit() ** 3)]);
    if (owner.machines >= MACHINES_MAX) owner = /** @type {Person} */ (owners[random.integer(there)]);
    const isCloud = random.happens(0.03);
    const archivedAt = random.happens(0.04) ? createdAt + Math.floor((until - createdAt) * random.unit()) : null;
    if (!isCloud && archivedAt === null) owner.machines++;
    return {
      owner,
      instanceId: `${isCloud ? "cloud" : "host"}-${random.hex(12)}-${n.toString(36)}`,
      label: `${random.pick(MACHINE_WORDS)}-${random.integer(10_000)}`,
      // Nobody has a machine before the account.
      createdAt: Math.max(createdAt, owner.createdAt + 60_000),
      cloudVmId: isCloud ? random.uuid() : null,
      archivedAt,
      parked: false,
    };
  });
}

/** @param {WorldOptions} options @param {readonly Person[]} owners @param {readonly Machine[]} machines @returns {Bot[]} */
function createBots({ bots, seed, until }, owners, machines) {
  const random = createRandom(seed, "bots");
  return Array.from({ length: bots }, (_, n) => {
    const there = Math.max(1, Math.ceil((machines.length * (n + 1)) / bots));
    const home = machines[random.integer(there)];
    const owner = home?.owner ?? random.pick(owners);
    const status = random.happens(0.05) ? "deleted" : "active";
    const isPaired = status === "active" && home !== undefined && home.archivedAt === null && random.happens(0.85);
    if (status === "active") owner.bots++;
    const word = random.pick(BOT_WORDS);
    return {
      id: random.uuid(),
      owner,
      machine: isPaired ? home : null,
      username: `${word}${n}`,
      name: `${word[0]?.toUpperCase()}${word.slice(1)} ${random.integer(1_000)}`,
      createdAt: Math.max(momentOf(until, n, bots), (home ?? owner).createdAt + 60_000),
      status,
      parked: false,
      pairingId: isPaired ? random.uuid() : null,
    };
  });
}

/** The smallest plan that carries what somebody has; a few have one that does not. @param {WorldOptions} options @param {readonly Person[]} owners @param {readonly PlanCaps[]} plans */
function choosePlans({ seed }, owners, plans) {
  const random = createRandom(seed, "plans");
  const paid = plans.filter(({ price }) => price !== null && price > 0);
  const [cheapest] = paid;
  const biggest = paid.at(-1);
  if (!cheapest || !biggest) throw new Error("The database knows no plan that costs anything.");
  for (const person of owners) {
    const [misfits, parks, source] = [random.happens(0.04), random.happens(0.5), random.unit()];
    if (carries(person.plan, person)) continue;
    const fitting = paid.find((plan) => carries(plan, person)) ?? biggest;
    person.plan = misfits ? (paid[paid.indexOf(fitting) - 1] ?? cheapest) : fitting;
    person.by = source < 0.74 ? "stripe" : source < 0.94 ? "apple" : source < 0.98 ? "admin_override" : "operator";
    person.parks = !misfits || parks;
  }
}

/** @param {PlanCaps} plan @param {Person} person */
const carries = (plan, person) => person.machines <= plan.machines && person.bots <= plan.bots;

/** The newest of what a plan does not carry is parked. @param {readonly Machine[]} machines @param {readonly Bot[]} bots */
function parkSurplus(machines, bots) {
  /** @type {Map<Person, number>} */
  const kept = new Map();
  for (const machine of machines) {
    if (machine.archivedAt !== null || machine.cloudVmId !== null) continue;
    const before = kept.get(machine.owner) ?? 0;
    kept.set(machine.owner, before + 1);
    machine.parked = machine.owner.parks && before >= machine.owner.plan.machines;
  }
  kept.clear();
  for (const bot of bots) {
    if (bot.status !== "active") continue;
    const before = kept.get(bot.owner) ?? 0;
    kept.set(bot.owner, before + 1);
    bot.parked = bot.owner.parks && before >= bot.owner.plan.bots;
  }
}
