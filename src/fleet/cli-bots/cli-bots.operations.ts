import { operation, type Operation } from "../../kernel/operation";
import { createBot, deleteBot, getBotByName, listBots } from "../bots";
import { CliBotDeletedView, CliBotRef, CliBotsView, CliBotView, CreateCliBotBody, ProvisionBotBody, ProvisionedBotView, toCliBotView } from "./cli-bots.schemas";
import { provisionBot } from "./provision-bot";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.cli-bots.list",
    method: "get",
    path: "/api/v1/openclaw/bots",
    tag: "openclaw",
    summary: "The caller's bots, as the command line lists them",
    auth: OWNER,
    limit: "read",
    output: CliBotsView,
  }).handle(async (_, ctx) => ({ bots: (await listBots(ctx, undefined)).map(toCliBotView) })),
  operation({
    id: "fleet.cli-bots.create",
    method: "post",
    path: "/api/v1/openclaw/bots",
    tag: "openclaw",
    summary: "Create a bot from the command line",
    auth: OWNER,
    limit: "write",
    idempotent: true,
    audit: "bot.create",
    body: CreateCliBotBody,
    output: CliBotView,
    status: 201,
  }).handle(async ({ body }, ctx) => toCliBotView((await createBot(ctx, { name: body.name ?? body.username, username: body.username, runtime: body.runtime })).bot)),
  operation({
    id: "fleet.cli-bots.delete",
    method: "delete",
    path: "/api/v1/openclaw/bots/{name}",
    tag: "openclaw",
    summary: "Delete a bot by its name, with or without _bot",
    auth: OWNER,
    limit: "write",
    audit: "bot.delete",
    params: CliBotRef,
    output: CliBotDeletedView,
  }).handle(async ({ params }, ctx) => {
    const bot = await deleteBot(ctx, (await getBotByName(ctx, params.name)).id);
    return { success: true, message: `${bot.name} is deleted.` };
  }),
  operation({
    id: "fleet.cli-bots.provision",
    method: "post",
    path: "/api/v1/openclaw/provision/bot",
    tag: "openclaw",
    summary: "Create a bot and offer it to the caller's machines with a pairing code",
    auth: OWNER,
    limit: "write",
    idempotent: true,
    audit: "bot.create",
    body: ProvisionBotBody,
    output: ProvisionedBotView,
    status: 201,
  }).handle(({ body }, ctx) => provisionBot(ctx, { name: body.bot_name, username: body.bot_username })),
];
