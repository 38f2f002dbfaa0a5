import { z } from "zod";
import { TARGETS_MAX } from "./cross-bot.core";

const matrixId = z.string().min(1).max(255);
const roomId = z.string().min(1).max(255);
/** Twice in an event, the second time as HTML; an event holds 65 536 bytes. */
const text = z.string().min(1).max(16_000);

export const CrossBotMessageBody = z
  .object({
    from_bot_user_id: matrixId.meta({ description: "Matrix user ID of the sending bot" }),
    to_bot_user_id: matrixId.meta({ description: "Matrix user ID of the target bot" }),
    message: text,
    room_id: roomId.nullish().meta({ description: "Room to send in. If omitted, finds a shared room." }),
  })
  .meta({ id: "CrossBotMessageRequest" });

export const CrossBotMessageView = z
  .object({ success: z.boolean(), event_id: z.string().nullish(), room_id: z.string().nullish(), message: z.string().nullish() })
  .meta({ id: "CrossBotMessageResponse" });

export const CreateCrossBotGroupBody = z
  .object({
    from_bot_user_id: matrixId.meta({ description: "Matrix user ID of the initiating bot" }),
    to_bot_user_id: z.string().max(255).nullish().meta({ description: "One target; prefer to_bot_user_ids" }),
    to_bot_user_ids: z.array(matrixId).max(50).nullish().meta({ description: `Targets; together with to_bot_user_id 1 to ${TARGETS_MAX} different ones` }),
    user_id: z.string().max(255).nullish().meta({ description: "Matrix user ID of the person to include; the caller's own when omitted or empty" }),
    room_name: z.string().max(255).nullish(),
    question: text,
  })
  .meta({ id: "CreateCrossBotGroupRequest" });

export const CreateCrossBotGroupView = z
  .object({
    success: z.boolean(),
    room_id: z.string().nullish(),
    event_id: z.string().nullish(),
    event_ids: z.record(z.string(), z.string()).nullish(),
    target_bot_user_ids: z.array(z.string()).nullish(),
    message: z.string().nullish(),
  })
  .meta({ id: "CreateCrossBotGroupResponse" });

export const PollParams = z.object({ room_id: roomId });
export const PollQuery = z.object({ target_bot_user_id: matrixId, after_ts: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0) });
export const PollView = z
  .object({
    found: z.boolean(),
    message: z.string().nullable().meta({ description: "What it said, same as body." }),
    event_id: z.string().nullable(),
    ts: z.int().nullable().meta({ description: "Milliseconds since 1970." }),
    body: z.string().nullable().meta({ description: "Null for encrypted messages." }),
  })
  .meta({ id: "CrossBotPollResponse" });
