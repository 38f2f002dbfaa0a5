import type { Ctx } from "../../kernel/context";
import type { MatrixRoomAct } from "../../kernel/ports/matrix";
import { findAccountById } from "../accounts";
import type { Bot } from "../bots";
import type { BotHomeserver } from "../matrix-accounts";
import { findInviter } from "./bot-rooms.store";

/**
 * Brings a bot into a room with the fewest calls: it tries to join first, which is all that public rooms and standing invitations
 * need (and tells a room that does not exist), and only when it is refused somebody invites it: another bot in there, else its owner.
 * At most eight calls. Leaves nothing behind when it is refused.
 * @param inviters `own`: only the owner's bots, so that nobody uses other people's; `any`: the bot was in there before
 * @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
export async function enterRoom(ctx: Ctx, home: BotHomeserver, bot: Bot, roomId: string, inviters: "own" | "any"): Promise<MatrixRoomAct> {
  const first = await home.bots.join(bot.matrixId, roomId);
  if (first !== "refused") return first;
  const invited = await invite(ctx, home, bot, roomId, inviters);
  if (invited !== "ok") return invited;
  const second = await home.bots.join(bot.matrixId, roomId);
  if (second === "refused") await home.bots.leave(bot.matrixId, roomId);
  return second;
}

async function invite(ctx: Ctx, home: BotHomeserver, bot: Bot, roomId: string, inviters: "own" | "any"): Promise<MatrixRoomAct> {
  const inviter = await findInviter(ctx, roomId, bot.id, inviters === "own" ? bot.tenantId : null);
  if (inviter !== null && (await home.bots.invite(inviter, roomId, bot.matrixId)) === "ok") return "ok";
  const owner = await findAccountById(ctx, bot.tenantId);
  return owner ? home.admin.inviteAs(owner.matrixId, roomId, bot.matrixId) : "refused";
}
