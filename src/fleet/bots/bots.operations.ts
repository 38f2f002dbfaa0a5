import { operation, type Operation } from "../../kernel/operation";
import { BotCommandsView, BotCreatedView, BotDeletedView, BotRef, BotsView, BotUsernameQuery, BotView, CreateBotBody, ListBotsQuery, RefreshedTokenView, RefreshMatrixTokenBody, toBotView, UpdateBotBody, UsernameCheckView } from "./bots.schemas";
import { checkBotUsername, getBot, listBotCommands, listBots } from "./bots.queries";
import { createBot } from "./create-bot";
import { deleteBot } from "./delete-bot";
import { refreshBotToken, rotateBotToken } from "./rotate-token";
import { updateBot } from "./update-bot";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.bots.list-commands",
    method: "get",
    path: "/api/v1/bots/commands",
    tag: "bots",
    summary: "Slash commands that bots understand, and the registries that apps filter them by",
    auth: OWNER,
    limit: "read",
    output: BotCommandsView,
  }).handle((_, ctx) => listBotCommands(ctx)),
  operation({
    id: "fleet.bots.create",
    method: "post",
    path: "/api/v1/bots",
    tag: "bots",
    summary: "Create a bot; its token is in this answer and nowhere else",
    auth: ["user"],
    limit: "write",
    idempotent: true,
    audit: "bot.create",
    body: CreateBotBody,
    output: BotCreatedView,
    status: 201,
  }).handle(async ({ body }, ctx) => {
    const { bot, accessToken } = await createBot(ctx, { name: body.bot_name, username: body.bot_username, runtime: body.runtime });
    return { ...toBotView(bot), access_token: accessToken };
  }),
  operation({
    id: "fleet.bots.list",
    method: "get",
    path: "/api/v1/bots",
    tag: "bots",
    summary: "The caller's bots, newest first",
    auth: OWNER,
    limit: "read",
    query: ListBotsQuery,
    output: BotsView,
  }).handle(async ({ query }, ctx) => (await listBots(ctx, query.paired_to)).map(toBotView)),
  operation({
    id: "fleet.bots.check-username",
    method: "get",
    path: "/api/v1/bots/username/check",
    tag: "bots",
    summary: "Whether a bot name is free",
    auth: ["none"],
    limit: "public",
    query: BotUsernameQuery,
    output: UsernameCheckView,
  }).handle(({ query }, ctx) => checkBotUsername(ctx, query.candidate)),
  operation({
    id: "fleet.bots.get",
    method: "get",
    path: "/api/v1/bots/{bot_id}",
    tag: "bots",
    summary: "One bot",
    auth: OWNER,
    limit: "read",
    params: BotRef,
    output: BotView,
  }).handle(async ({ params }, ctx) => toBotView(await getBot(ctx, params.bot_id))),
  operation({
    id: "fleet.bots.update",
    method: "put",
    path: "/api/v1/bots/{bot_id}",
    tag: "bots",
    summary: "Rename a bot",
    auth: OWNER,
    limit: "write",
    audit: "bot.update",
    params: BotRef,
    body: UpdateBotBody,
    output: BotView,
  }).handle(async ({ params, body }, ctx) => toBotView(await updateBot(ctx, params.bot_id, body.bot_name))),
  operation({
    id: "fleet.bots.delete",
    method: "delete",
    path: "/api/v1/bots/{bot_id}",
    tag: "bots",
    summary: "Delete a bot; its name stays its owner's",
    auth: ["user"],
    limit: "write",
    audit: "bot.delete",
    params: BotRef,
    output: BotDeletedView,
  }).handle(async ({ params }, ctx) => {
    await deleteBot(ctx, params.bot_id);
    return { success: true, message: "The bot is deleted." };
  }),
  operation({
    id: "fleet.bots.rotate-token",
    method: "post",
    path: "/api/v1/bots/{bot_id}/token",
    tag: "bots",
    summary: "Replace a bot's token; the old one is dead with the answer",
    auth: ["user"],
    limit: "write",
    audit: "bot.rotate_token",
    params: BotRef,
    output: BotCreatedView,
  }).handle(async ({ params }, ctx) => {
    const { bot, accessToken } = await rotateBotToken(ctx, params.bot_id);
    return { ...toBotView(bot), access_token: accessToken };
  }),
  operation({
    id: "fleet.bots.refresh-token",
    method: "post",
    path: "/api/v1/bots/{bot_id}/refresh-matrix-token",
    tag: "bots",
    summary: "A fresh token on the bot's own device; its encryption keys live on",
    auth: OWNER,
    limit: "write",
    audit: "bot.refresh_token",
    params: BotRef,
    body: RefreshMatrixTokenBody,
    bodyOptional: true,
    output: RefreshedTokenView,
  }).handle(({ params, body }, ctx) => refreshBotToken(ctx, params.bot_id, body?.device_id ?? null)),
];
