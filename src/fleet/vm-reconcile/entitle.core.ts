/**
 * Who pays for which cloud machine, and what happens to those for which nobody does. No I/O, no clock: times are ms. Only the present state
 * counts, so deciding twice, late or in another order ends the same. docs/design/cloud-vms.md
 */
import { DAY_MS } from "../../kernel/clock";

/** How long before it is destroyed an owner is told. */
export const NOTICE_MS = 3 * DAY_MS;

/** A machine that is there and that nobody is destroying. */
export interface PaidMachine {
  readonly vmId: string;
  /** The add-on that is to pay for it; null: a place of the plan. */
  readonly addonId: string | null;
  readonly createdAt: number;
  /** Since when nobody pays for it, and when it is destroyed therefore. */
  readonly unpaidSince: number | null;
  readonly destroyAfter: number | null;
}

export interface Payer {
  readonly id: string;
  /** It pays now. */
  readonly isUsable: boolean;
  /** When the clock ends it; null: not by itself. */
  readonly endsAt: number | null;
  /** When its owner was told that it ends. */
  readonly warnedAt: number | null;
  readonly createdAt: number;
}

export interface Payment {
  readonly now: number;
  readonly machines: readonly PaidMachine[];
  /** Machines that the plan in force includes; null: no cap. */
  readonly included: number | null;
  /** How many of them machines hold that are on their way out: free for nobody yet. */
  readonly includedLeaving: number;
  /** Every add-on in force, and those that machines are linked to. */
  readonly addons: readonly Payer[];
  /** Add-ons that machines hold which are on their way out. */
  readonly addonsLeaving: ReadonlySet<string>;
  /** Until when a downgrade's grace runs; null: none is open. */
  readonly graceUntil: number | null;
  /** The account was deleted, or is not there any more: nothing of it is paid for, and nobody is there to be told. */
  readonly isOwnerGone: boolean;
}

/** What a machine is from now on. */
export interface Verdict<M extends PaidMachine = PaidMachine> {
  readonly machine: M;
  /** Whether it has a place. */
  readonly isPaid: boolean;
  /** The link that it has from now on. Without a place it keeps that to an add-on which is over, by which people see why. */
  readonly addonId: string | null;
  readonly unpaidSince: number | null;
  readonly destroyAfter: number | null;
  /** Its owner is told now. */
  readonly isNotice: boolean;
  readonly isDestroyed: boolean;
}

/** Oldest first; always the same order for the same machines. */
const byAge = (a: PaidMachine, b: PaidMachine): number => a.createdAt - b.createdAt || (a.vmId < b.vmId ? -1 : 1);

/** The one that pays longest first, then the oldest. */
const byEnd = (a: Payer, b: Payer): number => (b.endsAt ?? Infinity) - (a.endsAt ?? Infinity) || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);

/** Gives every place to one machine at most. Who has a place keeps it: an add-on that ends takes the machine that it paid for, unless another place is free. */
function places(input: Payment): ReadonlyMap<string, string | null> {
  const machines = [...input.machines].sort(byAge);
  const given = new Map<string, string | null>();
  if (input.isOwnerGone) return given;
  const usable = input.addons.filter(({ isUsable }) => isUsable).sort(byEnd);
  const free = new Set(usable.map(({ id }) => id));
  for (const machine of machines) if (machine.addonId !== null && free.delete(machine.addonId)) given.set(machine.vmId, machine.addonId);

  let left = input.included ?? Infinity;
  for (const machine of machines.filter(({ addonId, unpaidSince }) => addonId === null && unpaidSince === null)) {
    if (left <= 0) break;
    left -= 1;
    given.set(machine.vmId, null);
  }
  // What leaves holds its place until it is gone, but takes nobody's.
  left -= input.includedLeaving;
  for (const id of input.addonsLeaving) free.delete(id);
  for (const machine of machines.filter(({ vmId }) => !given.has(vmId))) {
    const addon = usable.find(({ id }) => free.has(id));
    if (left > 0) {
      left -= 1;
      given.set(machine.vmId, null);
    } else if (addon) {
      free.delete(addon.id);
      given.set(machine.vmId, addon.id);
    }
  }
  return given;
}

/** What becomes of every machine. */
export function entitle<M extends PaidMachine>(input: Payment & { readonly machines: readonly M[] }): Verdict<M>[] {
  const given = places(input);
  const inherited = passOn(input, given);
  return [...input.machines].sort(byAge).map((machine) => {
    const place = given.get(machine.vmId);
    if (place !== undefined) return { machine, isPaid: true, addonId: place, unpaidSince: null, destroyAfter: null, isNotice: false, isDestroyed: false };
    const unpaid = { machine, isPaid: false, addonId: endedAddon(input.addons, machine)?.id ?? null };
    const { unpaidSince, destroyAfter } = unpaidTimes(input, machine, inherited.get(machine.vmId) ?? Infinity);
    return { ...unpaid, unpaidSince, destroyAfter, isNotice: machine.unpaidSince === null && destroyAfter > input.now, isDestroyed: destroyAfter <= input.now };
  });
}

/** The add-on that paid for a machine and is over. */
const endedAddon = (addons: readonly Payer[], machine: PaidMachine): Payer | undefined => addons.find(({ id, isUsable }) => id === machine.addonId && !isUsable);

/**
 * The deadlines of machines that have a place now, for those that lost theirs to a move: one add-on that goes round among many machines keeps
 * none of them longer than their owner was given. What lost its place because the payment for it ended is given all of its own time.
 */
function passOn({ machines, addons }: Payment, given: ReadonlyMap<string, string | null>): ReadonlyMap<string, number> {
  const deadlines = machines.flatMap(({ vmId, destroyAfter }) => (given.has(vmId) && destroyAfter !== null ? [destroyAfter] : [])).sort((a, b) => a - b);
  const isMoved = ({ vmId, addonId, unpaidSince }: PaidMachine): boolean => !given.has(vmId) && unpaidSince === null && (addonId === null || addons.some(({ id, isUsable }) => id === addonId && isUsable));
  const losers = machines.filter(isMoved).sort(byAge);
  return new Map(losers.slice(0, deadlines.length).map(({ vmId }, index) => [vmId, deadlines[index] ?? Infinity]));
}

/** Once told, a time only ever moves away. @param inherited the deadline of a machine that has this one's place now */
function unpaidTimes({ now, addons, graceUntil, isOwnerGone }: Payment, machine: PaidMachine, inherited: number): { readonly unpaidSince: number; readonly destroyAfter: number } {
  const unpaidSince = machine.unpaidSince ?? now;
  if (isOwnerGone) return { unpaidSince, destroyAfter: Math.min(machine.destroyAfter ?? now, now) };
  const grace = graceUntil !== null && graceUntil > now ? graceUntil : 0;
  if (machine.unpaidSince !== null && machine.destroyAfter !== null) return { unpaidSince, destroyAfter: Math.max(machine.destroyAfter, grace) };
  // Whoever was told three days ago that the add-on ends, and the machine with it, is not told again.
  const warnedAt = endedAddon(addons, machine)?.warnedAt ?? null;
  const own = warnedAt === null ? now + NOTICE_MS : Math.max(now, warnedAt + NOTICE_MS);
  return { unpaidSince, destroyAfter: Math.max(Math.min(own, inherited), grace) };
}
