import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/**
 * `settle_at` (ms), wherever it stands: until then whoever works on the row keeps at it; from then on the reconciler brings the
 * homeserver in line with the row. Null when both agree.
 */
const settling = () => ({ settleAt: integer("settle_at"), settleAttempts: integer("settle_attempts").notNull().default(0) });

const changing = () => ({
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});

/** An identity on the homeserver that people talk to. A deleted one stays as a row: its name belongs to its owner for ever. */
export const bots = sqliteTable(
  "bots",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    /** Lower case, without the suffix `_bot`; unique over all owners. */
    username: text("username").notNull(),
    matrixId: text("matrix_id").notNull(),
    name: text("name").notNull(),
    runtime: text("runtime", { enum: ["openclaw", "hermes"] }).notNull().default("openclaw"),
    /** `creating` until its Matrix account and token are there: such a row is invisible, and undone when nobody finishes it. */
    status: text("status", { enum: ["creating", "active", "deleted"] }).notNull(),
    sharingEnabled: integer("sharing_enabled", { mode: "boolean" }).notNull().default(true),
    /** What the homeserver has of it as far as we know; what it should have follows from status and plan_disabled_at. */
    matrixState: text("matrix_state", { enum: ["unknown", "up", "down"] }).notNull().default("unknown"),
    /** Its one valid device. Any other that the homeserver knows is a leftover. */
    deviceId: text("device_id").notNull(),
    /** Matrix access token, sealed for this row. */
    sealedToken: text("sealed_token"),
    /** The machine that it is paired with. */
    instanceId: text("instance_id"),
    pairingId: text("pairing_id"),
    planDisabledAt: integer("plan_disabled_at"),
    claudeControlMode: text("claude_control_mode"),
    /** Image that Hermes runs it with, as its machine told. */
    runtimeVersion: text("runtime_version"),
    sealedRecoveryKey: text("sealed_recovery_key"),
    bootstrappedAt: integer("bootstrapped_at"),
    ...settling(),
    deletedAt: integer("deleted_at"),
    ...changing(),
  },
  (t) => [
    uniqueIndex("bots_username").on(t.username),
    uniqueIndex("bots_matrix_id").on(t.matrixId),
    index("bots_tenant").on(t.tenantId, t.status, t.createdAt),
    index("bots_instance").on(t.tenantId, t.instanceId),
    index("bots_listed").on(t.createdAt, t.id).where(sql`status = 'active'`),
    index("bots_listed_username").on(t.username).where(sql`status = 'active'`),
    index("bots_listed_name").on(sql`lower(name)`).where(sql`status = 'active'`),
    index("bots_settle").on(t.settleAt).where(sql`settle_at IS NOT NULL`),
  ],
);

/** A bot in a room, and how it answers there. */
export const botRooms = sqliteTable(
  "bot_rooms",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    botId: text("bot_id").notNull(),
    roomId: text("room_id").notNull(),
    mode: text("mode", { enum: ["auto", "mention"] }).notNull(),
    state: text("state", { enum: ["joining", "joined", "leaving"] }).notNull(),
    ...settling(),
    ...changing(),
  },
  (t) => [uniqueIndex("bot_rooms_bot").on(t.botId, t.roomId), index("bot_rooms_room").on(t.roomId), index("bot_rooms_settle").on(t.settleAt).where(sql`settle_at IS NOT NULL`)],
);

/** A room that we make for bots and a person. Its id marks the room on the homeserver, so that one whose answer was lost is found. */
export const botGroups = sqliteTable(
  "bot_groups",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    /** The bot that makes the room. */
    botMatrixId: text("bot_matrix_id").notNull(),
    /** Everybody else in it, as Matrix ids. */
    members: text("members", { mode: "json" }).$type<readonly string[]>().notNull(),
    roomId: text("room_id"),
    state: text("state", { enum: ["creating", "open", "abandoned"] }).notNull(),
    ...settling(),
    ...changing(),
  },
  (t) => [index("bot_groups_tenant").on(t.tenantId, t.createdAt), index("bot_groups_room").on(t.roomId), index("bot_groups_settle").on(t.settleAt).where(sql`settle_at IS NOT NULL`)],
);

/** Rooms that only bots were left in and that we are deleting. */
export const roomCleanups = sqliteTable(
  "room_cleanups",
  { roomId: text("room_id").primaryKey(), ...settling(), createdAt: integer("created_at").notNull(), updatedAt: integer("updated_at").notNull() },
  (t) => [index("room_cleanups_settle").on(t.settleAt).where(sql`settle_at IS NOT NULL`)],
);

/** A code that puts a bot on a machine, and what became of it. How the pairing lives on is the machine object's to know. */
export const pairings = sqliteTable(
  "pairings",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    botId: text("bot_id").notNull(),
    codeHash: text("code_hash").notNull(),
    /** The code itself, sealed for this row: its owner's machines must be able to read it. */
    sealedCode: text("sealed_code").notNull(),
    targetInstanceId: text("target_instance_id"),
    status: text("status", { enum: ["pending", "redeemed", "closed"] }).notNull(),
    /** The machine that redeemed it. */
    instanceId: text("instance_id"),
    expiresAt: integer("expires_at").notNull(),
    redeemedAt: integer("redeemed_at"),
    /** Until then (ms) one redeeming is at work; others are refused. Its end is written with the outcome. */
    redeemingUntil: integer("redeeming_until"),
    claimedAt: integer("claimed_at"),
    closedAt: integer("closed_at"),
    closeReason: text("close_reason", { enum: ["superseded", "repaired_elsewhere", "bot_deleted", "plan_disabled", "machine_deleted"] }),
    ...changing(),
  },
  (t) => [uniqueIndex("pairings_code").on(t.codeHash), index("pairings_tenant").on(t.tenantId, t.status, t.expiresAt), index("pairings_bot").on(t.botId, t.status)],
);

/** Somebody else who may talk to a bot. `tenant_id` is the bot's owner. Ended ones stay for the record. */
export const botShares = sqliteTable(
  "bot_shares",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    botId: text("bot_id").notNull(),
    recipientId: integer("recipient_id").notNull(),
    recipientMatrixId: text("recipient_matrix_id").notNull(),
    expiresAt: integer("expires_at"),
    endedAt: integer("ended_at"),
    endReason: text("end_reason", { enum: ["revoked", "left", "sharing_off", "bot_deleted", "plan", "expired"] }),
    ...changing(),
  },
  (t) => [
    uniqueIndex("bot_shares_active").on(t.botId, t.recipientId).where(sql`ended_at IS NULL`),
    index("bot_shares_tenant").on(t.tenantId, t.endedAt),
    index("bot_shares_recipient").on(t.recipientId, t.endedAt),
    index("bot_shares_expiry").on(t.expiresAt).where(sql`ended_at IS NULL AND expires_at IS NOT NULL`),
  ],
);

/** Public rooms shown to newcomers; the same for every tenant. */
export const featuredRooms = sqliteTable(
  "featured_rooms",
  {
    roomId: text("room_id").primaryKey(),
    displayName: text("display_name"),
    description: text("description"),
    matrixName: text("matrix_name"),
    matrixTopic: text("matrix_topic"),
    matrixAvatarUrl: text("matrix_avatar_url"),
    matrixCanonicalAlias: text("matrix_canonical_alias"),
    matrixJoinedMemberCount: integer("matrix_joined_member_count"),
    displayOrder: integer("display_order").notNull(),
    /** User id of the administrator who added it. */
    addedBy: integer("added_by"),
    ...changing(),
  },
  (t) => [index("featured_rooms_order").on(t.displayOrder, t.createdAt)],
);
