import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { shownUsername } from "../accounts";
import { botLocalpart } from "../bots";
import type { BotRoomRow, ListedBotRow } from "./admin-bots.store";

/** Pages by number skip the rows before them, so they end here; `cursor` goes on. */
export const PAGES_MAX = 100;

export const ListBotsOfAllQuery = z.object({
  page: z.coerce.number().int().min(1).max(PAGES_MAX).default(1),
  limit: z.coerce.number().int().min(1).max(200).default(20),
  search: z.string().trim().max(200).optional(),
  cursor: z.string().max(400).optional().describe("`next_cursor` of the page before; instead of `page`, and without its end."),
});

export const AdminBotRef = z.object({ bot_id: z.string().min(1).max(64) });
export const MigrateRuntimeBody = z.object({ runtime: z.enum(["openclaw", "hermes"]) }).meta({ id: "MigrateRuntimeRequest" });

const Owner = z.object({ id: z.int(), email: z.string().nullable(), username: z.string().nullable() }).meta({ id: "AdminBotOwner" });
const Machine = z.object({ instance_id: z.string(), label: z.string().nullable(), online: z.boolean().nullable() }).meta({ id: "AdminBotMachine" });

const botFields = {
  id: z.string(),
  owner_user_id: z.int(),
  owner: Owner,
  bot_user_id: z.string(),
  bot_name: z.string(),
  bot_username: z.string(),
  runtime: z.enum(["openclaw", "hermes"]),
  runtime_version: z.string().nullable(),
  status: z.enum(["creating", "active", "deleted"]),
  active: z.boolean(),
  sharing_enabled: z.boolean(),
  openclaw_connected: z.boolean(),
  paired_instance_id: z.string().nullable(),
  pairing_session_id: z.string().nullable(),
  instance: Machine.nullable(),
  claude_control_mode: z.string().nullable(),
  plan_disabled_at: z.iso.datetime().nullable(),
  disabled_by_plan: z.boolean(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  deleted_at: z.iso.datetime().nullable(),
};

const AdminBot = z.object(botFields).meta({ id: "AdminBot" });

export const AdminBotListView = z
  .object({
    bots: z.array(AdminBot),
    total: z.int().describe("Of a search that found too much to look at, how many it looked at."),
    total_is_exact: z.boolean(),
    page: z.int(),
    limit: z.int(),
    next_cursor: z.string().nullable().describe("Where the next page begins; null when this one is the last."),
  })
  .meta({ id: "AdminBotsListResponse" });

const Room = z.object({ room_id: z.string(), mode: z.enum(["auto", "mention"]), state: z.string(), added_at: z.iso.datetime() }).meta({ id: "AdminBotRoom" });

export const AdminBotView = z
  .object({
    ...botFields,
    matrix_state: z.string().describe("What the homeserver has of it as far as we know."),
    rooms: z.array(Room),
    runtime_status: z.record(z.string(), z.unknown()).nullable().describe("What its machine tells of it; null when it is on none or its machine tells nothing."),
    runtime_status_error: z.string().nullable(),
  })
  .meta({ id: "AdminBotDetail" });

export const MigratedRuntimeView = z
  .object({ ok: z.boolean(), bot_id: z.string(), previous_runtime: z.string(), runtime: z.string(), repair_needed: z.boolean().describe("It runs as before until it is paired again."), message: z.string() })
  .meta({ id: "MigratedRuntime" });

export const toAdminBot = (row: ListedBotRow): z.input<typeof AdminBot> => ({
  id: row.id,
  owner_user_id: row.tenant_id,
  owner: { id: row.tenant_id, email: row.owner_email, username: shownUsername({ username: row.owner_username }) },
  bot_user_id: row.matrix_id,
  bot_name: row.name,
  bot_username: botLocalpart(row.username),
  runtime: row.runtime,
  runtime_version: row.runtime_version,
  status: row.status,
  active: row.status === "active",
  sharing_enabled: row.sharing_enabled === 1,
  openclaw_connected: row.instance_id !== null,
  paired_instance_id: row.instance_id,
  pairing_session_id: row.pairing_id,
  instance: row.instance_id === null ? null : { instance_id: row.instance_id, label: row.instance_label, online: row.instance_online === null ? null : row.instance_online === 1 },
  claude_control_mode: row.claude_control_mode,
  plan_disabled_at: isoOrNull(row.plan_disabled_at),
  disabled_by_plan: row.plan_disabled_at !== null,
  created_at: iso(row.created_at),
  updated_at: iso(row.updated_at),
  deleted_at: isoOrNull(row.deleted_at),
});

export const toRoom = (row: BotRoomRow): z.input<typeof Room> => ({ room_id: row.room_id, mode: row.mode, state: row.state, added_at: iso(row.created_at) });
