import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { shownUsername } from "../accounts";
import { botLocalpart } from "../bots";
import type { BotOfInstance, CollisionRow, ListedInstanceRow, Sighting } from "./admin-instances.store";

/** Pages by number skip the rows before them, so they end here; `cursor` goes on. */
export const PAGES_MAX = 100;

export const ListInstancesOfAllQuery = z.object({
  page: z.coerce.number().int().min(1).max(PAGES_MAX).default(1),
  limit: z.coerce.number().int().min(1).max(200).default(100),
  search: z.string().trim().max(255).optional(),
  cursor: z.string().max(400).optional().describe("`next_cursor` of the page before; instead of `page`, and without its end."),
});

export const AdminInstanceRef = z.object({ instance_id: z.string().min(1).max(255) });
export const ListCollisionsQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) });

const Owner = z.object({ id: z.int(), email: z.string().nullable(), username: z.string().nullable() }).meta({ id: "AdminInstanceOwner" });
const BotOnInstance = z
  .object({ id: z.string(), bot_name: z.string(), bot_username: z.string(), bot_user_id: z.string(), runtime: z.enum(["openclaw", "hermes"]) })
  .meta({ id: "AdminInstanceBot" });

const instanceFields = {
  id: z.string(),
  instance_id: z.string(),
  label: z.string(),
  version: z.string(),
  user_id: z.int(),
  owner: Owner,
  online: z.boolean().describe("As last recorded; the detail asks the machine's object."),
  online_changed_at: z.iso.datetime(),
  machine_fingerprint: z.string().nullable(),
  provider: z.string().nullable(),
  is_cloud: z.boolean(),
  capabilities: z.record(z.string(), z.unknown()),
  archived_at: z.iso.datetime().nullable(),
  plan_disabled_at: z.iso.datetime().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  bots: z.array(BotOnInstance),
  has_more_bots: z.boolean(),
};

const AdminInstance = z.object(instanceFields).meta({ id: "AdminOpenClawInstance" });

export const AdminInstanceListView = z
  .object({
    instances: z.array(AdminInstance),
    total: z.int().describe("Of a search that found too much to look at, how many it looked at."),
    total_is_exact: z.boolean(),
    page: z.int(),
    limit: z.int(),
    next_cursor: z.string().nullable().describe("Where the next page begins; null when this one is the last."),
  })
  .meta({ id: "AdminOpenClawInstanceList" });

export const AdminInstanceView = z
  .object({
    ...instanceFields,
    heartbeat: z.record(z.string(), z.unknown()).nullable().describe("What the machine's object tells of it; null when it tells nothing."),
    heartbeat_error: z.string().nullable(),
  })
  .meta({ id: "AdminOpenClawInstanceDetail" });

const CollidingUser = z
  .object({ user_id: z.int(), email: z.string().nullable(), username: z.string().nullable(), instance_ids: z.array(z.string()), first_seen_at: z.iso.datetime(), last_seen_at: z.iso.datetime() })
  .meta({ id: "FingerprintCollisionUser" });

export const CollisionListView = z
  .object({
    collisions: z.array(
      z
        .object({ machine_fingerprint: z.string(), user_count: z.int(), first_seen_at: z.iso.datetime(), last_seen_at: z.iso.datetime(), users: z.array(CollidingUser), has_more: z.boolean() })
        .meta({ id: "FingerprintCollision" }),
    ),
    count: z.int(),
    limit: z.int(),
  })
  .meta({ id: "FingerprintCollisionList" });

/** @param shown most bots that the list may hold */
export function toAdminInstance(row: ListedInstanceRow, shown: number): z.input<typeof AdminInstance> {
  const bots = JSON.parse(row.bots) as BotOfInstance[];
  return {
    id: String(row.id),
    instance_id: row.instance_id,
    label: row.label,
    version: row.registered_version,
    user_id: row.tenant_id,
    owner: { id: row.tenant_id, email: row.owner_email, username: shownUsername({ username: row.owner_username }) },
    online: row.online === 1,
    online_changed_at: iso(row.online_changed_at),
    machine_fingerprint: row.machine_fingerprint,
    provider: row.provider,
    is_cloud: row.cloud_vm_id !== null,
    capabilities: JSON.parse(row.capabilities) as Record<string, unknown>,
    archived_at: isoOrNull(row.archived_at),
    plan_disabled_at: isoOrNull(row.plan_disabled_at),
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
    bots: bots.slice(0, shown).map((bot) => ({ id: bot.id, bot_name: bot.name, bot_username: botLocalpart(bot.username), bot_user_id: bot.matrix_id, runtime: bot.runtime })),
    has_more_bots: bots.length > shown,
  };
}

/** @param shown sightings that were asked for */
export function toCollision(row: CollisionRow, shown: number) {
  const sightings = JSON.parse(row.sightings) as Sighting[];
  const byUser = new Map<number, Sighting[]>();
  for (const sighting of sightings) byUser.set(sighting.user_id, [...(byUser.get(sighting.user_id) ?? []), sighting]);
  const users = [...byUser].map(([userId, seen]) => {
    const times = seen.map((sighting) => sighting.seen_at);
    return { user_id: userId, email: seen[0]?.email ?? null, username: shownUsername({ username: seen[0]?.username ?? null }), instance_ids: seen.map((sighting) => sighting.instance_id), first_seen_at: iso(Math.min(...times)), last_seen_at: iso(Math.max(...times)) };
  });
  return { machine_fingerprint: row.fingerprint, user_count: row.user_count, first_seen_at: iso(row.first_seen_at), last_seen_at: iso(row.last_seen_at), users, has_more: sightings.length === shown };
}
