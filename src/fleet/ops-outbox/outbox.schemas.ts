import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { redactDeep } from "../../kernel/logging/redact-deep";
import type { ShownEffect } from "./outbox.store";

export const ListEffectsQuery = z.object({
  state: z.enum(["pending", "parked"]).default("parked"),
  type: z.string().min(1).max(100).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(1_000).optional(),
});

export const EffectRef = z.object({ effect_id: z.string().min(1).max(100) });

/** Payloads are sealed and shown to nobody. */
export const OutboxEffectView = z
  .object({
    id: z.string(),
    type: z.string(),
    state: z.enum(["pending", "parked"]),
    attempts: z.int(),
    last_error: z.string().nullable(),
    due_at: z.iso.datetime(),
    parked_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "OutboxEffect" });

export const OutboxListView = z.object({ effects: z.array(OutboxEffectView), next_cursor: z.string().nullable() }).meta({ id: "OutboxEffectList" });

const Counts = { pending: z.int(), due: z.int(), parked: z.int(), oldest_due_at: z.iso.datetime().nullable() };
export const OutboxCountsView = z.object({ ...Counts, by_type: z.array(z.object({ type: z.string(), ...Counts })) }).meta({ id: "OutboxCounts" });

/** Errors may quote what an outside system said. */
export const toEffectView = (effect: ShownEffect): z.input<typeof OutboxEffectView> => ({
  id: effect.id,
  type: effect.type,
  state: effect.parkedAt === null ? "pending" : "parked",
  attempts: effect.attempts,
  last_error: effect.lastError === null ? null : String(redactDeep(effect.lastError)),
  due_at: iso(effect.dueAt),
  parked_at: isoOrNull(effect.parkedAt),
  created_at: iso(effect.createdAt),
});
