import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import type { ResealRun } from "./keys.store";

const KeyUse = z.object({
  key_id: z.string(),
  is_active: z.boolean(),
  /** Values or tokens that need it; null where that is not kept. */
  in_use: z.int().nullable(),
  /** Whether it may be taken off its ring now. */
  safe_to_drop: z.boolean(),
  /** Why an old key must stay, where that is not a count. */
  note: z.string().nullable(),
});

export const KeyOverviewView = z
  .object({
    /** Newest first; `by_column` tells also of keys that are on the ring no more, whose values nobody can open. */
    seal_keys: z.object({ keys: z.array(KeyUse), by_column: z.array(z.object({ column: z.string(), key_id: z.string(), count: z.int() })) }),
    /** CLI tokens that live; `unknown` were signed before keys were noted. Names of cloud computers and addresses of files need them too: see `note`. */
    token_keys: z.object({ keys: z.array(KeyUse), unknown: z.int() }),
    /** Access tokens live an hour and are not kept: a key may go an hour after the next one came. */
    signing_keys: z.object({ keys: z.array(z.object({ key_id: z.string(), is_active: z.boolean() })) }),
  })
  .meta({ id: "KeyOverview" });

export const ResealRunRef = z.object({ run_id: z.string().min(1).max(100) });
export const ListRunsQuery = z.object({ limit: z.coerce.number().int().min(1).max(200).default(20), cursor: z.string().min(1).max(1_000).optional() });

export const ResealRunView = z
  .object({
    id: z.string(),
    key_id: z.string(),
    /** `incomplete`: values are left that no key opens, or the newest key changed meanwhile. */
    state: z.enum(["running", "completed", "incomplete"]),
    pass: z.int(),
    column: z.string().nullable(),
    columns_done: z.int(),
    columns_total: z.int(),
    seen: z.int(),
    resealed: z.int(),
    unreadable: z.int(),
    left_over: z.int().nullable(),
    started_by: z.int().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "ResealRun" });

export const ResealRunListView = z.object({ runs: z.array(ResealRunView), next_cursor: z.string().nullable() }).meta({ id: "ResealRunList" });

/** @param columns names in the order of the walk */
export const toResealView = (run: ResealRun, columns: readonly string[]): z.input<typeof ResealRunView> => ({
  id: run.id,
  key_id: run.keyId,
  state: run.state,
  pass: run.pass,
  column: run.columnName,
  columns_done: run.endedAt === null ? Math.max(0, columns.indexOf(run.columnName ?? "")) : columns.length,
  columns_total: columns.length,
  seen: run.seen,
  resealed: run.resealed,
  unreadable: run.unreadable,
  left_over: run.leftOver,
  started_by: run.startedBy,
  created_at: iso(run.createdAt),
  updated_at: iso(run.updatedAt),
  ended_at: isoOrNull(run.endedAt),
});
