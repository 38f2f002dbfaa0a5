/** Switches of the product in words, and what a form about one means. */
import { countOf } from "../../lib/format";
import type { Gate, NewGate } from "../admin.types";

type Setting = Pick<Gate, "enabled" | "percentage" | "allowed_accounts">;

export interface GateWords {
  tone: "ok" | "warn" | "bad";
  label: string;
}

/** "Open", "Open to 25 %, and 2 accounts", "Closed but for 1 account". */
export function describeGate({ enabled, percentage, allowed_accounts: allowed }: Setting): GateWords {
  const named = allowed.length === 0 ? null : countOf(allowed.length, "account");
  if (enabled && percentage >= 100) return { tone: "ok", label: "Open" };
  if (enabled && percentage > 0) return { tone: "warn", label: `Open to ${percentage} %${named === null ? "" : `, and ${named}`}` };
  return { tone: "bad", label: named === null ? "Closed" : `Closed but for ${named}` };
}

/** The same gate, open or shut; a share of nobody would stay shut, so opening gives it everybody. */
export const turnGate = (gate: Gate, enabled: boolean): NewGate => ({
  enabled,
  percentage: enabled && gate.percentage === 0 ? 100 : gate.percentage,
  allowed_accounts: gate.allowed_accounts,
  note: gate.note,
});

export type ReadAccounts = { ok: true; ids: number[] } | { ok: false; wrong: string };

/** Ids as people type them: by commas, spaces or lines, once each. */
export function readAccounts(text: string): ReadAccounts {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  const wrong = words.find((word) => !/^[1-9]\d{0,14}$/.test(word));
  return wrong === undefined ? { ok: true, ids: [...new Set(words.map(Number))] } : { ok: false, wrong };
}

/** A whole share of 0 to 100, or null. */
export function readPercentage(text: string): number | null {
  const trimmed = text.trim();
  if (!/^\d{1,3}$/.test(trimmed)) return null;
  const share = Number(trimmed);
  return share <= 100 ? share : null;
}
