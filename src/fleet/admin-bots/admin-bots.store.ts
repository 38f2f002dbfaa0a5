import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import type { Cursor } from "../../kernel/db/cursor";
import { startsWith, startsWithAnyCase } from "../../kernel/db/prefix";

/** SQL of bots across owners: only administrators come here. Partial indexes are found only where `status = 'active'` stands as it is. */

export interface ListedBotRow {
  readonly id: string;
  readonly tenant_id: number;
  readonly username: string;
  readonly matrix_id: string;
  readonly name: string;
  readonly runtime: "openclaw" | "hermes";
  readonly status: "creating" | "active" | "deleted";
  readonly sharing_enabled: number;
  readonly matrix_state: string;
  readonly runtime_version: string | null;
  readonly claude_control_mode: string | null;
  readonly pairing_id: string | null;
  readonly plan_disabled_at: number | null;
  readonly deleted_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly owner_email: string | null;
  readonly owner_username: string | null;
  readonly instance_id: string | null;
  readonly instance_label: string | null;
  readonly instance_online: number | null;
}

export interface BotPage {
  readonly search: string | null;
  readonly after: Cursor | null;
  readonly limit: number;
  readonly offset: number;
}

const columns = sql`b.id, b.tenant_id, b.username, b.matrix_id, b.name, b.runtime, b.status, b.sharing_enabled, b.matrix_state, b.runtime_version,
  b.claude_control_mode, b.pairing_id, b.plan_disabled_at, b.deleted_at, b.created_at, b.updated_at, b.instance_id,
  u.email AS owner_email, u.username AS owner_username, i.label AS instance_label, i.online AS instance_online`;
const around = sql`LEFT JOIN users u ON u.id = b.tenant_id LEFT JOIN instances i ON i.instance_id = b.instance_id`;

/** A search looks at most at this many matches of each kind for every row of a page. */
const MATCHES_PER_ROW = 15;
const OWNERS_MAX = 20;

/** What a search finds, newest or not: by name, user name or Matrix id, id, and by its owner's address or user name. */
function matches(search: string, most: number): SQL {
  // The Matrix id @rocky_bot:server and the local part rocky_bot are the user name rocky.
  const username = search.toLowerCase().replace(/^@/, "").replace(/:.*$/, "").replace(/_bot$/, "");
  return sql`
    SELECT id, created_at FROM (SELECT id, created_at FROM bots WHERE status = 'active' AND ${startsWith(sql`username`, username)} LIMIT ${most})
    UNION SELECT id, created_at FROM (SELECT id, created_at FROM bots WHERE status = 'active' AND ${startsWithAnyCase(sql`name`, search)} LIMIT ${most})
    UNION SELECT id, created_at FROM bots WHERE id = ${search} AND status = 'active'
    UNION SELECT id, created_at FROM (SELECT id, created_at FROM bots WHERE status = 'active' AND tenant_id IN (
      SELECT id FROM (SELECT id FROM users WHERE ${startsWith(sql`email_key`, search.toLowerCase())} LIMIT ${OWNERS_MAX})
      UNION SELECT id FROM (SELECT id FROM users WHERE ${startsWith(sql`username`, search.toLowerCase())} LIMIT ${OWNERS_MAX})) LIMIT ${most})`;
}

/**
 * Active bots of all owners, newest first, in one statement.
 * @returns how many there are (of a search, how many it looked at; `complete` says whether these are all) and one page of them
 */
export async function listBotsOfAll(ctx: Ctx, { search, after, limit, offset }: BotPage): Promise<{ readonly total: number; readonly complete: boolean; readonly rows: readonly ListedBotRow[] }> {
  const most = limit * MATCHES_PER_ROW;
  const later = after === null ? sql`` : sql`AND (created_at, id) < (${after.at}, ${after.id})`;
  const found = await ctx.db.all<ListedBotRow & { total: number; id: string | null }>(sql`
    WITH ${search === null ? sql`total AS (SELECT coalesce(max(n), 0) AS n FROM row_counts WHERE name = 'bots.active')` : sql`found AS MATERIALIZED (${matches(search, most)}), total AS (SELECT count(*) AS n FROM found)`},
    page AS (SELECT id FROM ${search === null ? sql`bots WHERE status = 'active'` : sql`found WHERE true`} ${later} ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset})
    SELECT t.n AS total, ${columns} FROM total t LEFT JOIN page p LEFT JOIN bots b ON b.id = p.id ${around}
    ORDER BY b.created_at DESC, b.id DESC`);
  const total = found[0]?.total ?? 0;
  const complete = search === null || total < most;
  // Of a search that stopped looking, whole pages: a scrap of one would cost as much.
  return { total: complete ? total : total - (total % limit), complete, rows: found.filter((row) => row.id !== null) };
}

export interface BotRoomRow {
  readonly room_id: string;
  readonly mode: "auto" | "mention";
  readonly state: string;
  readonly created_at: number;
}

const ROOMS_MAX = 200;

/** One bot of anybody, in whatever state, with the rooms that it is in. */
export async function findBotOfAnybody(ctx: Ctx, botId: string): Promise<{ readonly bot: ListedBotRow; readonly rooms: readonly BotRoomRow[] } | null> {
  const [[bot], rooms] = await Promise.all([
    ctx.db.all<ListedBotRow>(sql`SELECT ${columns} FROM bots b ${around} WHERE b.id = ${botId}`),
    ctx.db.all<BotRoomRow>(sql`SELECT room_id, mode, state, created_at FROM bot_rooms WHERE bot_id = ${botId} ORDER BY room_id LIMIT ${ROOMS_MAX}`),
  ]);
  return bot ? { bot, rooms } : null;
}
