import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import type { MatrixAdmin } from "../../kernel/ports/matrix";
import {
  toRoomView,
  toUserView,
  type ListRoomsQuery,
  type ListUsersQuery,
  type MatrixRoomListView,
  type MatrixRoomRef,
  type MatrixRoomView,
  type MatrixUserListView,
  type MatrixUserRef,
  type MatrixUserView,
  type RoomMembersView,
  type RoomsMetaBody,
  type RoomsMetaView,
  type ServerStatsView,
  type ServerVersionView,
} from "./matrix-admin.schemas";
import { requireMatrixAdmin } from "./require-admin";

const META_LANES = 10;
/** No further room is asked about after this long: a homeserver that hangs must not keep the caller for minutes. */
const META_PATIENCE_MS = 15_000;
const MEDIA_PAGE = 1_000;
const MAX_MEDIA_PAGES = 20;

export async function listMatrixUsers(ctx: OwnerCtx, query: z.output<typeof ListUsersQuery>): Promise<z.input<typeof MatrixUserListView>> {
  const { from_user: from, limit, guests, deactivated } = query;
  const page = await requireMatrixAdmin(ctx).listAccounts({ from, limit, ...(guests === undefined ? {} : { guests }), ...(deactivated === undefined ? {} : { deactivated }) });
  return { users: page.items.map(toUserView), total: page.total, next_token: page.next };
}

/** @throws AppError NOT_FOUND */
export async function getMatrixUser(ctx: OwnerCtx, ref: z.output<typeof MatrixUserRef>): Promise<z.input<typeof MatrixUserView>> {
  const account = await requireMatrixAdmin(ctx).findAccount(ref.user_id);
  if (!account) throw notFound("Matrix user");
  return toUserView(account);
}

export async function listMatrixRooms(ctx: OwnerCtx, query: z.output<typeof ListRoomsQuery>): Promise<z.input<typeof MatrixRoomListView>> {
  const { from_room: from, limit, dir, order_by: orderBy } = query;
  const page = await requireMatrixAdmin(ctx).listRooms({ from, limit, dir, ...(orderBy === undefined ? {} : { orderBy }) });
  return { rooms: page.items.map((room) => toRoomView(room, null)), total_rooms: page.total, next_batch: page.next };
}

/** @throws AppError NOT_FOUND */
export async function getMatrixRoom(ctx: OwnerCtx, ref: z.output<typeof MatrixRoomRef>): Promise<z.input<typeof MatrixRoomView>> {
  const admin = requireMatrixAdmin(ctx);
  const [room, createdAt] = await Promise.all([admin.findRoom(ref.room_id), admin.findRoomCreation(ref.room_id)]);
  if (!room) throw notFound("Matrix room");
  return toRoomView(room, createdAt);
}

/** When rooms were made, ten at a time. One whose time cannot be had, for whatever reason, has none. */
export async function getRoomsMeta(ctx: OwnerCtx, input: z.output<typeof RoomsMetaBody>): Promise<z.input<typeof RoomsMetaView>> {
  const admin = requireMatrixAdmin(ctx);
  const asked = [...new Set(input.room_ids)];
  const until = ctx.clock.now() + META_PATIENCE_MS;
  const created = new Map<string, number | null>();
  const waiting = [...asked];
  const lane = async (): Promise<void> => {
    for (let roomId = waiting.shift(); roomId !== undefined && ctx.clock.now() < until; roomId = waiting.shift()) {
      created.set(roomId, await admin.findRoomCreation(roomId).catch(() => null));
    }
  };
  await Promise.all(Array.from({ length: META_LANES }, lane));
  return { rooms: Object.fromEntries(asked.map((roomId) => [roomId, { created_at: isoOrNull(created.get(roomId)) }])) };
}

/** @throws AppError NOT_FOUND */
export async function listRoomMembers(ctx: OwnerCtx, ref: z.output<typeof MatrixRoomRef>): Promise<z.input<typeof RoomMembersView>> {
  const members = await requireMatrixAdmin(ctx).listRoomMembers(ref.room_id);
  if (!members) throw notFound("Matrix room");
  return { members: [...members], total: members.length };
}

/** Homeservers do not tell their Python any more. */
export async function getServerVersion(ctx: OwnerCtx): Promise<z.input<typeof ServerVersionView>> {
  return { server_version: await requireMatrixAdmin(ctx).version(), python_version: null };
}

export async function getServerStats(ctx: OwnerCtx): Promise<z.input<typeof ServerStatsView>> {
  const admin = requireMatrixAdmin(ctx);
  const first = { from: 0, limit: 1 };
  const [all, active, rooms, media] = await Promise.all([admin.listAccounts({ ...first, deactivated: true }), admin.listAccounts({ ...first, deactivated: false }), admin.listRooms({ ...first, dir: "b" }), sumMedia(admin)]);
  return { media, users: { total: all.total, active: active.total, deactivated: Math.max(0, all.total - active.total) }, rooms: { total: rooms.total } };
}

async function sumMedia(admin: MatrixAdmin): Promise<z.input<typeof ServerStatsView>["media"]> {
  let [files, bytes] = [0, 0];
  for (let page = 0; ; page++) {
    const { items, total, next } = await admin.listMediaUse({ from: page * MEDIA_PAGE, limit: MEDIA_PAGE });
    for (const item of items) [files, bytes] = [files + item.mediaCount, bytes + item.mediaLength];
    if (next === null || page + 1 === MAX_MEDIA_PAGES) return { users: total, files, bytes, complete: next === null };
  }
}
