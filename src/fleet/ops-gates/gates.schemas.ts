import { z } from "zod";
import { iso } from "../../kernel/clock";
import { GATES, type Gate } from "../../kernel/gates/gates";

export const GateRef = z.object({ key: z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/, "Words of a-z, 0-9 and _, joined by dots").max(100) });

export const SetGateBody = z
  .object({
    /** Off: closed for everybody but the accounts named. */
    enabled: z.boolean(),
    /** Of the accounts that are not named, 0 to 100; the same account always gets the same answer. */
    percentage: z.int().min(0).max(100).default(100),
    allowed_accounts: z.array(z.int().min(1)).max(1_000).default([]),
    note: z.string().trim().max(1_000).nullish(),
  })
  .meta({ id: "SetFeatureGateRequest" });

export const GateView = z
  .object({
    key: z.string(),
    /** What is behind it; null for a gate that nothing asks. */
    guards: z.string().nullable(),
    /** False for a gate that the product asks and nobody set: it is open. */
    is_set: z.boolean(),
    enabled: z.boolean(),
    percentage: z.int(),
    allowed_accounts: z.array(z.int()),
    note: z.string().nullable(),
    updated_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "FeatureGate" });

export const GateListView = z.object({ gates: z.array(GateView) }).meta({ id: "FeatureGateList" });

const guardsOf = (key: string): string | null => (Object.hasOwn(GATES, key) ? GATES[key as keyof typeof GATES] : null);

export const toGateView = (gate: Gate): z.input<typeof GateView> => ({
  key: gate.key,
  guards: guardsOf(gate.key),
  is_set: true,
  enabled: gate.enabled,
  percentage: gate.percentage,
  allowed_accounts: [...gate.allowedAccounts],
  note: gate.note,
  updated_at: iso(gate.updatedAt),
});

/** A gate that nobody set. */
export const toOpenGateView = (key: string): z.input<typeof GateView> => ({ key, guards: guardsOf(key), is_set: false, enabled: true, percentage: 100, allowed_accounts: [], note: null, updated_at: null });
