import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { startsWith, startsWithAnyCase } from "../../kernel/db/prefix";
import { fingerprintCollisions } from "../../schema/admin";
import { fingerprintHistory, instances } from "../../schema/instances";

/** SQL of machines across owners: only administrators come here. */

export type InstanceRow = typeof instances.$inferSelect;

export interface ListedInstanceRow {
  readonly id: number;
  readonly instance_id: string;
  readonly tenant_id: number;
  readonly label: string;
  readonly registered_version: string;
  readonly machine_fingerprint: string | null;
  readonly provider: string | null;
  readonly cloud_vm_id: string | null;
  /** JSON. */
  readonly capabilities: string;
  readonly online: number;
  readonly online_changed_at: number;
  readonly archived_at: number | null;
  readonly plan_disabled_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly owner_email: string | null;
  readonly owner_username: string | null;
  /** JSON list of {@link BotOfInstance}; one more than {@link BOTS_SHOWN} says that there are more. */
  readonly bots: string;
}

export interface BotOfInstance {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly matrix_id: string;
  readonly runtime: "openclaw" | "hermes";
}

export interface InstancePage {
  readonly search: string | null;
  /** Row number that the page comes after. */
  readonly after: number | null;
  readonly limit: number;
  readonly offset: number;
}

/** Bots that a list shows of one machine. */
export const BOTS_SHOWN = 20;
/** A search looks at most at this many matches of each kind for every row of a page. */
const MATCHES_PER_ROW = 15;
const OWNERS_MAX = 20;

const columns = sql`m.id, m.instance_id, m.tenant_id, m.label, m.registered_version, m.machine_fingerprint, m.provider, m.cloud_vm_id, m.capabilities, m.online,
  m.online_changed_at, m.archived_at, m.plan_disabled_at, m.created_at, m.updated_at, u.email AS owner_email, u.username AS owner_username`;
const botsOf = (most: number): SQL => sql`(
  SELECT json_group_array(json_object('id', id, 'name', name, 'username', username, 'matrix_id', matrix_id, 'runtime', runtime))
  FROM (SELECT id, name, username, matrix_id, runtime FROM bots WHERE tenant_id = m.tenant_id AND instance_id = m.instance_id AND status = 'active' LIMIT ${most + 1}))`;

/** What a search finds: by id, label or fingerprint, and by the owner's address or user name. */
const matches = (search: string, most: number): SQL => sql`
  SELECT id FROM (SELECT id FROM instances WHERE ${startsWith(sql`instance_id`, search)} LIMIT ${most})
  UNION SELECT id FROM (SELECT id FROM instances WHERE ${startsWithAnyCase(sql`label`, search)} LIMIT ${most})
  UNION SELECT id FROM (SELECT id FROM instances WHERE machine_fingerprint = ${search} LIMIT ${most})
  UNION SELECT id FROM (SELECT id FROM instances WHERE tenant_id IN (
    SELECT id FROM (SELECT id FROM users WHERE ${startsWith(sql`email_key`, search.toLowerCase())} LIMIT ${OWNERS_MAX})
    UNION SELECT id FROM (SELECT id FROM users WHERE ${startsWith(sql`username`, search.toLowerCase())} LIMIT ${OWNERS_MAX})) LIMIT ${most})`;

/**
 * Machines of all owners, newest first, in one statement.
 * @returns how many there are (of a search, how many it looked at; `complete` says whether these are all) and one page of them
 */
export async function listInstancesOfAll(ctx: Ctx, { search, after, limit, offset }: InstancePage): Promise<{ readonly total: number; readonly complete: boolean; readonly rows: readonly ListedInstanceRow[] }> {
  const most = limit * MATCHES_PER_ROW;
  const later = after === null ? sql`` : sql`AND id < ${after}`;
  const found = await ctx.db.all<ListedInstanceRow & { total: number; id: number | null }>(sql`
    WITH ${search === null ? sql`total AS (SELECT coalesce(max(n), 0) AS n FROM row_counts WHERE name = 'instances')` : sql`found AS MATERIALIZED (${matches(search, most)}), total AS (SELECT count(*) AS n FROM found)`},
    page AS (SELECT id FROM ${search === null ? sql`instances` : sql`found`} WHERE true ${later} ORDER BY id DESC LIMIT ${limit} OFFSET ${offset})
    SELECT t.n AS total, ${columns}, ${botsOf(BOTS_SHOWN)} AS bots FROM total t LEFT JOIN page p LEFT JOIN instances m ON m.id = p.id LEFT JOIN users u ON u.id = m.tenant_id
    ORDER BY m.id DESC`);
  const total = found[0]?.total ?? 0;
  const complete = search === null || total < most;
  // Of a search that stopped looking, whole pages: a scrap of one would cost as much.
  return { total: complete ? total : total - (total % limit), complete, rows: found.filter((row) => row.id !== null) };
}

/** Bots that the detail shows. */
export const DETAIL_BOTS = 500;

/** One machine of anybody. */
export async function findInstanceOfAnybody(ctx: Ctx, instanceId: string): Promise<ListedInstanceRow | null> {
  const [row] = await ctx.db.all<ListedInstanceRow>(sql`SELECT ${columns}, ${botsOf(DETAIL_BOTS)} AS bots FROM instances m LEFT JOIN users u ON u.id = m.tenant_id WHERE m.instance_id = ${instanceId}`);
  return row ?? null;
}

/** The row itself, for a change. */
export async function readInstanceOfAnybody(ctx: Ctx, instanceId: string): Promise<InstanceRow | null> {
  return (await ctx.db.select().from(instances).where(eq(instances.instanceId, instanceId)).limit(1))[0] ?? null;
}

/** Guarded by `version`. */
export const deleteInstanceOfAnybody = (ctx: Ctx, row: InstanceRow) => ctx.db.delete(instances).where(and(eq(instances.id, row.id), eq(instances.version, row.version)));

export async function countHistory(ctx: Ctx, fingerprint: string): Promise<number> {
  const [row] = await ctx.db.select({ n: sql<number>`count(*)` }).from(fingerprintHistory).where(eq(fingerprintHistory.fingerprint, fingerprint));
  return row?.n ?? 0;
}

/** Before its history goes: the trigger then has nothing to keep up with. */
export const forgetCollision = (ctx: Ctx, fingerprint: string) => ctx.db.delete(fingerprintCollisions).where(eq(fingerprintCollisions.fingerprint, fingerprint));

/** Of every account. */
export const forgetHistory = (ctx: Ctx, fingerprint: string) => ctx.db.delete(fingerprintHistory).where(eq(fingerprintHistory.fingerprint, fingerprint));

export interface CollisionRow {
  readonly fingerprint: string;
  readonly user_count: number;
  readonly first_seen_at: number;
  readonly last_seen_at: number;
  /** JSON list of {@link Sighting}s. */
  readonly sightings: string;
}

export interface Sighting {
  readonly user_id: number;
  readonly email: string | null;
  readonly username: string | null;
  readonly instance_id: string;
  readonly seen_at: number;
}

/** Sightings that are shown of one fingerprint. */
export const SIGHTINGS_SHOWN = 50;

/** Fingerprints of two or more accounts: those of most accounts first, then the newest. */
export const listCollisions = (ctx: Ctx, limit: number): Promise<CollisionRow[]> =>
  ctx.db.all<CollisionRow>(sql`
    SELECT c.fingerprint, c.user_count, c.first_seen_at, c.last_seen_at, (
      SELECT json_group_array(json_object('user_id', h.tenant_id, 'email', u.email, 'username', u.username, 'instance_id', h.instance_id, 'seen_at', h.first_seen_at))
      FROM (SELECT tenant_id, instance_id, first_seen_at FROM fingerprint_history WHERE fingerprint = c.fingerprint LIMIT ${SIGHTINGS_SHOWN}) h
      LEFT JOIN users u ON u.id = h.tenant_id) AS sightings
    FROM fingerprint_collisions c ORDER BY c.user_count DESC, c.last_seen_at DESC LIMIT ${limit}`);
