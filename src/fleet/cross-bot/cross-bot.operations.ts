import { operation, type Operation } from "../../kernel/operation";
import { createGroup } from "./create-group";
import { unionOfTargets } from "./cross-bot.core";
import { pollAnswer } from "./cross-bot.queries";
import { CreateCrossBotGroupBody, CreateCrossBotGroupView, CrossBotMessageBody, CrossBotMessageView, PollParams, PollQuery, PollView } from "./cross-bot.schemas";
import { sendToBot } from "./send-to-bot";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.cross-bot.send",
    method: "post",
    path: "/api/v1/bots/cross-bot/send",
    tag: "bots",
    summary: "Have a bot mention another one in a room that both are in",
    auth: OWNER,
    limit: "write",
    idempotent: true,
    body: CrossBotMessageBody,
    output: CrossBotMessageView,
  }).handle(({ body, request }, ctx) =>
    sendToBot(ctx, { from: body.from_bot_user_id, to: body.to_bot_user_id, text: body.message, roomId: body.room_id ?? null, key: request.headers.get("idempotency-key") }),
  ),
  operation({
    id: "fleet.cross-bot.create-group",
    method: "post",
    path: "/api/v1/bots/cross-bot/group-chat",
    tag: "bots",
    summary: "Make a room for a person, a bot and up to ten others, and have the bot ask its question there",
    auth: OWNER,
    limit: "write",
    idempotent: true,
    audit: "bot_group.create",
    body: CreateCrossBotGroupBody,
    output: CreateCrossBotGroupView,
  }).handle(async ({ body }, ctx) => {
    const targets = unionOfTargets(body.to_bot_user_id, body.to_bot_user_ids);
    const group = await createGroup(ctx, { from: body.from_bot_user_id, targets, person: body.user_id || null, roomName: body.room_name || null, question: body.question });
    return {
      success: true,
      room_id: group.roomId,
      event_id: group.eventId,
      event_ids: Object.fromEntries(group.targets.map((matrixId) => [matrixId, group.eventId])),
      target_bot_user_ids: group.targets,
    };
  }),
  operation({
    id: "fleet.cross-bot.poll-response",
    method: "get",
    path: "/api/v1/bots/cross-bot/poll-response/{room_id}",
    tag: "bots",
    summary: "The first thing that a bot said in a room after a moment; never waits",
    auth: OWNER,
    limit: "read",
    params: PollParams,
    query: PollQuery,
    output: PollView,
  }).handle(({ params, query }, ctx) => pollAnswer(ctx, params.room_id, query.target_bot_user_id, query.after_ts)),
];
