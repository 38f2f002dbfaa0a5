import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { DeletedRoomView, DeleteRoomBody, MatrixRoomRef } from "./matrix-admin.schemas";
import { requireMatrixAdmin } from "./require-admin";

/** Begins to delete a room. Audited first, as deactivating is. @throws AppError NOT_FOUND */
export async function deleteMatrixRoom(ctx: OwnerCtx, ref: z.output<typeof MatrixRoomRef>, input: z.output<typeof DeleteRoomBody> | null): Promise<z.input<typeof DeletedRoomView>> {
  const admin = requireMatrixAdmin(ctx);
  const how = { block: input?.block ?? false, purge: input?.purge ?? true };
  // It begins to delete rooms that do not exist, too.
  if (!(await admin.findRoom(ref.room_id))) throw notFound("Matrix room");
  await new Plan(ctx).audit({ action: "matrix_room.delete", subject: { type: "matrix_room", id: ref.room_id }, detail: how }).commit();
  return { success: true, room_id: ref.room_id, delete_id: await admin.deleteRoom(ref.room_id, how), message: "The homeserver is deleting the room." };
}
