import { asc } from "drizzle-orm";
import { featureGates } from "../../schema/kernel";
import { MINUTE_MS } from "../clock";
import type { Ctx } from "../context";

/**
 * Gates that the product asks, with what is behind each. A gate without a row is open, so that an empty database serves; one that nothing asks may
 * have a row all the same, for code that is still to come.
 */
export const GATES = {
  "signup.open": "New accounts, by sign-up or by the first request of somebody whom the outside issuer vouches for",
  "cloud_vms.create": "New cloud machines",
} as const;

export type GateKey = keyof typeof GATES;
export type Gate = typeof featureGates.$inferSelect;

/** How long an isolate believes what it read. Writes here forget at once; other isolates follow within this time. */
const CACHE_MS = MINUTE_MS;
/** Most gates that are read; nobody has as many. */
const GATES_MAX = 500;
let cached: { readonly gates: ReadonlyMap<string, Gate>; readonly until: number } | null = null;
/** Counts what was forgotten: a reading that began before a write must not be kept after it. */
let forgotten = 0;

/** Forgets what is cached. Whoever writes a gate calls it after the commit. */
export function forgetGates(): void {
  forgotten++;
  cached = null;
}

/**
 * Whether a gate is open, as of at most a minute ago.
 * @param subject the account that asks; before there is one, whatever names the caller for good (an e-mail address), so that a percentage gives the
 * same answer to the same caller
 */
export async function isGateOpen(ctx: Ctx, key: GateKey, subject: number | string): Promise<boolean> {
  return isOpenFor((await readGates(ctx)).get(key) ?? null, key, subject);
}

async function readGates(ctx: Ctx): Promise<ReadonlyMap<string, Gate>> {
  const now = ctx.clock.now();
  // Nor from a future that a moved clock has left.
  if (cached && cached.until > now && cached.until <= now + CACHE_MS) return cached.gates;
  const before = forgotten;
  const rows = await ctx.db.select().from(featureGates).orderBy(asc(featureGates.key)).limit(GATES_MAX);
  const gates = new Map(rows.map((row) => [row.key, row]));
  if (forgotten === before) cached = { gates, until: now + CACHE_MS };
  return gates;
}

/** What a gate's row says to one caller; null is no row. Pure. */
export function isOpenFor(gate: Pick<Gate, "enabled" | "percentage" | "allowedAccounts"> | null, key: string, subject: number | string): boolean {
  if (!gate) return true;
  if (typeof subject === "number" && gate.allowedAccounts.includes(subject)) return true;
  return gate.enabled && bucketOf(key, subject) < gate.percentage;
}

/** 0 to 99, evenly spread and the same for ever: who is in at 10 % is in at 20 %, and another gate picks others (FNV-1a with a final mix). Pure. */
export function bucketOf(key: string, subject: number | string): number {
  let hash = 0x811c9dc5;
  for (const char of `${key}:${subject}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 100;
}
