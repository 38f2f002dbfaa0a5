/** What model calls cost, by day and model. No I/O. */
import type { TokenUsage } from "../governance.types";

export interface SpendCourse {
  /** Starts of days in UTC, in seconds, oldest first. */
  atSeconds: number[];
  /** The dearest first; what is not among them is last, as "others". */
  series: { model: string; perDay: number[]; total: number }[];
  total: number;
}

const DAY_MS = 86_400_000;
const SHOWN_MODELS = 4;
export const OTHERS = "others";

/** The last days with today, each model's cost on each of them. Budgets run by UTC, so days do. */
export function spendByDay(usage: readonly Pick<TokenUsage, "model" | "totalCostUsd" | "recordedAt">[], nowMs: number, days: number): SpendCourse {
  const firstDay = Math.floor(nowMs / DAY_MS) - days + 1;
  const perModel = new Map<string, number[]>();
  for (const { model, totalCostUsd, recordedAt } of usage) {
    const day = Math.floor(Date.parse(recordedAt) / DAY_MS) - firstDay;
    if (!(day >= 0 && day < days)) continue;
    const costs = perModel.get(model) ?? Array.from({ length: days }, () => 0);
    costs[day] = (costs[day] ?? 0) + totalCostUsd;
    perModel.set(model, costs);
  }
  const sum = (costs: readonly number[]): number => costs.reduce((a, b) => a + b, 0);
  const ranked = [...perModel].map(([model, perDay]) => ({ model, perDay, total: sum(perDay) })).sort((a, b) => b.total - a.total || a.model.localeCompare(b.model));
  const rest = ranked.slice(SHOWN_MODELS);
  const series = ranked.slice(0, SHOWN_MODELS);
  if (rest.length > 0) {
    const perDay = Array.from({ length: days }, (_, day) => sum(rest.map((one) => one.perDay[day] ?? 0)));
    series.push({ model: OTHERS, perDay, total: sum(perDay) });
  }
  return { atSeconds: Array.from({ length: days }, (_, day) => ((firstDay + day) * DAY_MS) / 1_000), series, total: sum(series.map(({ total }) => total)) };
}

/** Heights of a stack, the lowest first: each series with all that are below it. */
export function stack(series: readonly { perDay: readonly number[] }[]): number[][] {
  const heights: number[][] = [];
  for (const { perDay } of series) {
    const below = heights.at(-1);
    heights.push(perDay.map((cost, day) => cost + (below?.[day] ?? 0)));
  }
  return heights;
}

/** "22 Nov" of a day that begins at this second in UTC. */
export const formatUtcDay = (seconds: number): string => new Date(seconds * 1_000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
