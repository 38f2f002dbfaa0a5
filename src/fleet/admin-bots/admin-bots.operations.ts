import { operation } from "../../kernel/operation";
import { getAnyBot, listAllBots } from "./admin-bots.queries";
import { AdminBotListView, AdminBotRef, AdminBotView, ListBotsOfAllQuery, MigratedRuntimeView, MigrateRuntimeBody } from "./admin-bots.schemas";
import { migrateRuntime } from "./migrate-runtime";

const TAG = "admin";

export const operations = [
  operation({
    id: "fleet.admin-bots.list",
    method: "get",
    path: "/api/v1/admin/bots",
    tag: TAG,
    summary: "Active bots of everybody, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListBotsOfAllQuery,
    output: AdminBotListView,
  }).handle(({ query }, ctx) => listAllBots(ctx, query)),
  operation({
    id: "fleet.admin-bots.get",
    method: "get",
    path: "/api/v1/admin/bots/{bot_id}",
    tag: TAG,
    summary: "One bot: whose it is, where it runs and in which rooms",
    auth: ["admin"],
    limit: "read",
    params: AdminBotRef,
    output: AdminBotView,
  }).handle(({ params }, ctx) => getAnyBot(ctx, params)),
  operation({
    id: "fleet.admin-bots.migrate-runtime",
    method: "post",
    path: "/api/v1/admin/bots/{bot_id}/migrate-runtime",
    tag: TAG,
    summary: "Say which runtime a bot is paired to next",
    auth: ["admin"],
    limit: "write",
    audit: "bot.migrate_runtime",
    params: AdminBotRef,
    body: MigrateRuntimeBody,
    output: MigratedRuntimeView,
  }).handle(({ params, body }, ctx) => migrateRuntime(ctx, { ...params, ...body })),
];
