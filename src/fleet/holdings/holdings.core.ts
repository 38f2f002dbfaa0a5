/** What somebody has that a plan counts, what of it a plan carries, and what stays or comes back. No I/O, no clock. */

/** Features of which people choose what stays when their plan carries less. */
export const PICK_FEATURES = ["multiple_openclaw_instances", "max_bots", "max_bot_shares"] as const;
export type PickFeature = (typeof PICK_FEATURES)[number];
export const isPickFeature = (text: string): text is PickFeature => (PICK_FEATURES as readonly string[]).includes(text);

/** A machine, a bot or a share. Times in ms. */
export interface Holding {
  readonly id: string;
  readonly feature: PickFeature;
  readonly label: string | null;
  /** The machine itself, or the one that the bot is on. */
  readonly instanceId: string | null;
  readonly botMatrixId: string | null;
  /** Of a share: its bot. It ends with it. */
  readonly botId: string | null;
  readonly createdAt: number;
  readonly lastSeenAt: number | null;
  /** Since when the plan does not carry it. Shares are never parked: they end. */
  readonly parkedAt: number | null;
}

/** Cap of each feature; null: none. */
export type Caps = Readonly<Record<PickFeature, number | null>>;

/** What changes together. */
export interface Moves {
  readonly park: readonly Holding[];
  readonly comeBack: readonly Holding[];
}

export const KIND: Readonly<Record<PickFeature, "instance" | "bot" | "share">> = { multiple_openclaw_instances: "instance", max_bots: "bot", max_bot_shares: "share" };

const key = ({ feature, id }: Holding): string => `${feature}:${id}`;

export const activeOf = (holdings: readonly Holding[], feature: PickFeature): Holding[] => holdings.filter((one) => one.feature === feature && one.parkedAt === null);
export const parkedOf = (holdings: readonly Holding[], feature: PickFeature): Holding[] => holdings.filter((one) => one.feature === feature && one.parkedAt !== null);

/** How many more the plan carries; Infinity without a cap, negative when there are too many. */
export const roomFor = (holdings: readonly Holding[], caps: Caps, feature: PickFeature): number => (caps[feature] ?? Infinity) - activeOf(holdings, feature).length;

/** Features of which more is in use than the plan carries. */
export const overCap = (holdings: readonly Holding[], caps: Caps): PickFeature[] => PICK_FEATURES.filter((feature) => roomFor(holdings, caps, feature) < 0);

/** Most recently active first: last sign of life, else age. Always the same order for the same holdings. */
export const byActivity = (a: Holding, b: Holding): number => (b.lastSeenAt ?? -1) - (a.lastSeenAt ?? -1) || byAge(a, b);

/** Newest first. */
export const byAge = (a: Holding, b: Holding): number => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1);

/** Holdings after some were parked and others came back. Shares end with their bots, and when they are parked themselves. */
export function afterMoves(holdings: readonly Holding[], { park, comeBack }: Moves, now: number): Holding[] {
  const parked = new Set(park.map(key));
  const back = new Set(comeBack.map(key));
  const bots = new Set(park.filter(({ feature }) => feature === "max_bots").map(({ id }) => id));
  return holdings.flatMap((one) => {
    if (one.feature === "max_bot_shares") return parked.has(key(one)) || (one.botId !== null && bots.has(one.botId)) ? [] : [one];
    if (parked.has(key(one))) return [{ ...one, parkedAt: now }];
    return back.has(key(one)) ? [{ ...one, parkedAt: null }] : [one];
  });
}

/** What goes when nobody chose: of each feature that is over its cap, all but the most recently active. */
export function excessOf(holdings: readonly Holding[], caps: Caps): Holding[] {
  const park: Holding[] = [];
  for (const feature of PICK_FEATURES) {
    const left = afterMoves(holdings, { park, comeBack: [] }, 0);
    const cap = caps[feature];
    if (cap !== null) park.push(...activeOf(left, feature).sort(byActivity).slice(cap));
  }
  return park;
}

/** Which of the parked come back by themselves: newest first, as far as the caps go. */
export const fittingOf = (holdings: readonly Holding[], caps: Caps, wanted: (holding: Holding) => boolean): Holding[] =>
  PICK_FEATURES.flatMap((feature) =>
    parkedOf(holdings, feature)
      .filter(wanted)
      .sort(byAge)
      .slice(0, Math.max(0, roomFor(holdings, caps, feature))),
  );

/** `unknown`: some id is none of those that can be chosen. `too_many`: more than the cap allows. */
export type Choice = ({ readonly kind: "ok"; readonly kept: readonly string[] } & Moves) | { readonly kind: "unknown"; readonly ids: readonly string[] } | { readonly kind: "too_many"; readonly limit: number };

/**
 * What a person keeps of one feature. What was parked since `since` (ms) may be chosen again, so that a choice can be changed while the
 * request is open.
 */
export function chooseKept(holdings: readonly Holding[], feature: PickFeature, cap: number | null, keepIds: readonly string[], since: number): Choice {
  const active = activeOf(holdings, feature);
  const candidates = [...active, ...parkedOf(holdings, feature).filter(({ parkedAt }) => parkedAt !== null && parkedAt >= since)];
  const keep = new Set(keepIds);
  const unknown = [...keep].filter((id) => !candidates.some((one) => one.id === id));
  if (unknown.length > 0) return { kind: "unknown", ids: unknown };
  if (cap !== null && keep.size > cap) return { kind: "too_many", limit: cap };
  return {
    kind: "ok",
    kept: candidates.filter(({ id }) => keep.has(id)).map(({ id }) => id),
    park: active.filter(({ id }) => !keep.has(id)),
    comeBack: candidates.filter(({ id, parkedAt }) => keep.has(id) && parkedAt !== null),
  };
}

/** What a person brings back of one feature. What is back already is fine: the request may have been sent twice. */
export function chooseReturning(holdings: readonly Holding[], feature: PickFeature, cap: number | null, ids: readonly string[]): Choice {
  const active = activeOf(holdings, feature);
  const parked = parkedOf(holdings, feature);
  const wanted = new Set(ids);
  const unknown = [...wanted].filter((id) => ![...active, ...parked].some((one) => one.id === id));
  if (unknown.length > 0) return { kind: "unknown", ids: unknown };
  const comeBack = parked.filter(({ id }) => wanted.has(id));
  if (cap !== null && comeBack.length > 0 && active.length + comeBack.length > cap) return { kind: "too_many", limit: cap };
  return { kind: "ok", kept: active.map(({ id }) => id), park: [], comeBack };
}
