import { operation, type Operation } from "../../kernel/operation";
import { bootstrapHermesBot } from "./bootstrap-hermes-bot";
import { getHermesVersion, listHermesLogs } from "./hermes.queries";
import { BootstrapBody, BootstrapView, HermesBotRef, HermesLogsQuery, HermesLogsView, HermesRestartView, HermesVersionView } from "./hermes.schemas";
import { restartHermesBot } from "./restart-hermes-bot";

const TAG = "hermes";
const OWNER = ["user", "cliToken"] as const;
const BOT = "/api/v1/hermes/bots/{bot_id}";

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.hermes.list-logs",
    method: "get",
    path: `${BOT}/logs`,
    tag: TAG,
    summary: "The last log lines that a bot's machine reported",
    auth: OWNER,
    limit: "read",
    params: HermesBotRef,
    query: HermesLogsQuery,
    output: HermesLogsView,
  }).handle(({ params }, ctx) => listHermesLogs(ctx, params)),
  operation({
    id: "fleet.hermes.get-version",
    method: "get",
    path: `${BOT}/version`,
    tag: TAG,
    summary: "Image and container that a bot runs in",
    auth: OWNER,
    limit: "read",
    params: HermesBotRef,
    output: HermesVersionView,
  }).handle(({ params }, ctx) => getHermesVersion(ctx, params)),
  operation({
    id: "fleet.hermes.restart",
    method: "post",
    path: `${BOT}/restart`,
    tag: TAG,
    summary: "Queue a restart of a bot's container; an Idempotency-Key makes a repeat harmless",
    auth: OWNER,
    limit: "write",
    params: HermesBotRef,
    output: HermesRestartView,
  }).handle(({ params, request }, ctx) => restartHermesBot(ctx, params.bot_id, request.headers.get("idempotency-key"))),
  operation({
    id: "fleet.hermes.bootstrap",
    method: "post",
    path: `${BOT}/runtime-bootstrap`,
    tag: TAG,
    summary: "Keep a bot's recovery key from its first start, and the image it runs",
    auth: OWNER,
    limit: "write",
    audit: "bot.bootstrap",
    params: HermesBotRef,
    body: BootstrapBody,
    output: BootstrapView,
  }).handle(({ params, body }, ctx) => bootstrapHermesBot(ctx, { ...params, ...body })),
];
