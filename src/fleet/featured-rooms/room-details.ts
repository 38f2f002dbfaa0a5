import type { Ctx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import type { FeaturedRoom } from "./featured-rooms.store";

export type RoomDetails = Pick<FeaturedRoom, "matrixName" | "matrixTopic" | "matrixAvatarUrl" | "matrixCanonicalAlias" | "matrixJoinedMemberCount">;

/** What the homeserver says of a room. @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND */
export async function getRoomDetails(ctx: Ctx, roomId: string): Promise<RoomDetails> {
  const admin = ctx.services.matrix?.admin;
  if (!admin) throw new AppError("MATRIX_UNAVAILABLE", "No Matrix homeserver is configured.");
  const room = await admin.findRoom(roomId);
  if (!room) throw notFound("Matrix room");
  return { matrixName: room.name, matrixTopic: room.topic, matrixAvatarUrl: room.avatarUrl, matrixCanonicalAlias: room.canonicalAlias, matrixJoinedMemberCount: room.joinedMembers };
}
