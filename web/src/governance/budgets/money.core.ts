/** Money in the words of people. No I/O. */
import type { Budget } from "../governance.types";
import type { Read } from "../texts.core";

const MAX_USD = 1_000_000_000;

/** "$12.35"; what is less than a cent keeps its digits. */
export function formatUsd(usd: number): string {
  const isTiny = usd !== 0 && Math.abs(usd) < 0.01;
  return usd.toLocaleString("en-US", { style: "currency", currency: "USD", ...(isTiny ? { maximumSignificantDigits: 2, minimumFractionDigits: 0 } : {}) });
}

/** An amount as people type it, "$1,200.50" among others; null for none. */
export function readUsd(text: string): Read<number | null> {
  const plain = text.trim().replace(/^\$/, "").replace(/,(?=\d{3}(\D|$))/g, "").trim();
  if (plain === "") return { ok: true, value: null };
  if (!/^\d+(\.\d{1,6})?$/.test(plain)) return { ok: false, fault: "An amount in dollars, such as 250 or 99.50." };
  const value = Number(plain);
  return value > MAX_USD ? { ok: false, fault: `At most ${formatUsd(MAX_USD)}.` } : { ok: true, value };
}

export type BudgetTone = "ok" | "warn" | "bad";

export interface BudgetView {
  /** 0 to 100; null without a limit. */
  percent: number | null;
  tone: BudgetTone;
  /** "$12.00 of $50.00". */
  text: string;
  /** What it means, when it is near or over; null below. */
  warning: string | null;
}

type Spent = Pick<Budget, "currentSpendUsd" | "budgetAlertState" | "limited"> & Partial<Pick<Budget, "monthlyLimitUsd" | "reservedUsd">>;

const TONE = { ok: "ok", warning: "warn", exceeded: "bad" } as const;
const WARNING = { ok: null, warning: "Nearly used up.", exceeded: "Used up: calls of models are refused." } as const;

/** How full a budget is. The state is the server's word. */
export function describeBudget({ monthlyLimitUsd, currentSpendUsd, budgetAlertState, limited, reservedUsd = 0 }: Spent): BudgetView {
  const held = reservedUsd > 0 ? `, ${formatUsd(reservedUsd)} held` : "";
  if (!limited || monthlyLimitUsd === undefined) return { percent: null, tone: "ok", text: `${formatUsd(currentSpendUsd)}${held}, no limit`, warning: null };
  const share = monthlyLimitUsd === 0 ? 100 : (currentSpendUsd / monthlyLimitUsd) * 100;
  return { percent: Math.min(100, Math.round(share)), tone: TONE[budgetAlertState], text: `${formatUsd(currentSpendUsd)} of ${formatUsd(monthlyLimitUsd)}${held}`, warning: WARNING[budgetAlertState] };
}
