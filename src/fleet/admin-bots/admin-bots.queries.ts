import type { z } from "zod";
import { instanceObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { readCursor, writeCursor } from "../../kernel/db/cursor";
import { notFound } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { toAdminBot, toRoom, type AdminBotListView, type AdminBotRef, type AdminBotView, type ListBotsOfAllQuery } from "./admin-bots.schemas";
import { findBotOfAnybody, listBotsOfAll, type ListedBotRow } from "./admin-bots.store";

/** Active bots of all owners, newest first. @throws AppError VALIDATION_ERROR (a cursor that is none) */
export async function listAllBots(ctx: OwnerCtx, { page, limit, search, cursor }: z.output<typeof ListBotsOfAllQuery>): Promise<z.input<typeof AdminBotListView>> {
  const after = cursor === undefined ? null : readCursor(cursor);
  const { total, complete, rows } = await listBotsOfAll(ctx, { search: search || null, after, limit, offset: after ? 0 : (page - 1) * limit });
  const last = rows.at(-1);
  const next = rows.length === limit && last ? writeCursor({ at: last.created_at, id: last.id }) : null;
  return { bots: rows.map(toAdminBot), total, total_is_exact: complete, page, limit, next_cursor: next };
}

/** One bot of anybody, deleted ones too, and what its machine tells of it. @throws AppError NOT_FOUND */
export async function getAnyBot(ctx: OwnerCtx, { bot_id: botId }: z.output<typeof AdminBotRef>): Promise<z.input<typeof AdminBotView>> {
  const found = await findBotOfAnybody(ctx, botId);
  if (!found) throw notFound("Bot");
  const { bot, rooms } = found;
  return { ...toAdminBot(bot), matrix_state: bot.matrix_state, rooms: rooms.map(toRoom), ...(await askMachine(ctx, bot)) };
}

/** A machine's object that fails takes nothing from the rest of the answer. */
async function askMachine(ctx: OwnerCtx, { tenant_id: userId, instance_id: instanceId, id }: ListedBotRow): Promise<Pick<z.input<typeof AdminBotView>, "runtime_status" | "runtime_status_error">> {
  if (instanceId === null) return { runtime_status: null, runtime_status_error: null };
  const ref = { userId, instanceId };
  try {
    const told = await instanceObject(ctx.objects, ref).getBot(ref, id);
    return { runtime_status: told && { ...told }, runtime_status_error: null };
  } catch (error) {
    ctx.log.warn("a machine's object does not answer", { event: "admin_bot.object_silent", ...describeError(error) });
    return { runtime_status: null, runtime_status_error: "The machine's object does not answer." };
  }
}
