/** How full a plan is. No I/O. */
import { formatMedia } from "./offers.core";
import type { Meter } from "./plan.types";

export type MeterTone = "ok" | "warn" | "bad";

export interface MeterView {
  key: string;
  name: string;
  /** 0 to 100; null without a limit. */
  percent: number | null;
  tone: MeterTone;
  /** "3 of 5". */
  text: string;
  /** What it means, from 80 % on; null below. */
  warning: string | null;
}

const NEAR_PERCENT = 80;

/** 80 % and 100 % as people would notice them; a limit of nothing is no warning while nothing is there. */
export function describeMeter(meter: Meter): MeterView {
  const { key, name, used, limit } = meter;
  const amount = (count: number): string => (meter.unit?.toLowerCase() === "mb" ? formatMedia(count) : count.toLocaleString());
  if (limit === null) return { key, name, percent: null, tone: "ok", text: `${amount(used)}, no limit`, warning: null };
  const share = limit === 0 ? (used > 0 ? Infinity : 0) : (used / limit) * 100;
  const text = limit === 0 && used === 0 ? "Not included" : `${amount(used)} of ${amount(limit)}`;
  const percent = Math.min(100, Math.round(share));
  if (used > limit) return { key, name, percent, tone: "bad", text, warning: `${amount(used - limit)} more than your plan carries.` };
  if (limit > 0 && used === limit) return { key, name, percent, tone: "bad", text, warning: "Full. Remove something or choose a larger plan." };
  if (share >= NEAR_PERCENT) return { key, name, percent, tone: "warn", text, warning: "Nearly full." };
  return { key, name, percent, tone: "ok", text, warning: null };
}
