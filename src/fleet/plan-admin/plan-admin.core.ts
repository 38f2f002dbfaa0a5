/** Rules for those who write the catalogue. No I/O, no clock. */

/** Ids under which something is sold. */
export interface Prices {
  readonly stripePriceId: string | null;
  readonly stripePriceIdYearly: string | null;
  readonly stripePriceIdSandbox: string | null;
  readonly stripePriceIdYearlySandbox: string | null;
  readonly appleProductId: string | null;
  readonly appleProductIdYearly: string | null;
}

type PriceName = keyof Prices;

/** Columns in which an id may stand only once: a payment must lead to one plan, add-on and interval. */
const SHOPS: readonly (readonly PriceName[])[] = [
  ["stripePriceId", "stripePriceIdYearly"],
  ["stripePriceIdSandbox", "stripePriceIdYearlySandbox"],
  ["appleProductId", "appleProductIdYearly"],
];

/** The column whose id is sold as something else already; null when all are its own. */
export function findTakenPrice(prices: Prices, others: readonly Prices[]): PriceName | null {
  for (const shop of SHOPS) {
    const taken = new Set(others.flatMap((other) => shop.map((name) => other[name])));
    for (const name of shop) {
      const id = prices[name];
      if (id === null) continue;
      if (taken.has(id)) return name;
      taken.add(id);
    }
  }
  return null;
}

/** What a partial change says about a field that may be empty: left out stays, null or nothing empties. */
export const changed = <T extends string | number>(given: T | null | undefined, was: T | null): T | null => (given === undefined ? was : given === "" ? null : given);

/** What differs, as it was and as it is, for the audit. */
export function differenceOf(was: Readonly<Record<string, unknown>>, is: Readonly<Record<string, unknown>>): { readonly before: Record<string, unknown>; readonly after: Record<string, unknown> } | null {
  const names = Object.keys(is).filter((name) => is[name] !== was[name]);
  if (names.length === 0) return null;
  return { before: Object.fromEntries(names.map((name) => [name, was[name]])), after: Object.fromEntries(names.map((name) => [name, is[name]])) };
}
