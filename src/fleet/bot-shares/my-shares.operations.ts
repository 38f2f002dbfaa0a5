import { operation, type Operation } from "../../kernel/operation";
import { listActiveShares, listSharedBots } from "./bot-shares.queries";
import { ActiveSharesView, SharedBotRef, SharedBotsView, ShareEndedView } from "./bot-shares.schemas";
import { leaveSharedBot } from "./end-share";

const TAG = "bot-shares";

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.bot-shares.list-shared-bots",
    method: "get",
    path: "/api/v1/me/shared-bots",
    tag: TAG,
    summary: "Bots of others that the caller may talk to",
    auth: ["user"],
    limit: "read",
    output: SharedBotsView,
  }).handle((_, ctx) => listSharedBots(ctx)),
  operation({
    id: "fleet.bot-shares.leave",
    method: "post",
    path: "/api/v1/me/shared-bots/{share_id}/leave",
    tag: TAG,
    summary: "Leave a shared bot",
    auth: ["user"],
    limit: "write",
    audit: "bot_share.leave",
    params: SharedBotRef,
    output: ShareEndedView,
  }).handle(({ params }, ctx) => leaveSharedBot(ctx, params)),
  operation({
    id: "fleet.bot-shares.list-active",
    method: "get",
    path: "/api/v1/me/active-shares",
    tag: TAG,
    summary: "Active shares of all the caller's bots; overdue ones expire with this",
    auth: ["user", "cliToken"],
    limit: "read",
    audit: "bot_share.expire",
    output: ActiveSharesView,
  }).handle((_, ctx) => listActiveShares(ctx)),
];
