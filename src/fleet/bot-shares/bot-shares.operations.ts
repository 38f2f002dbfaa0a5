import { operation, type Operation } from "../../kernel/operation";
import { listShares } from "./bot-shares.queries";
import { BotSharesRef, CreateShareBody, ShareEndedView, ShareRef, SharesView, ShareView, SharingToggleBody } from "./bot-shares.schemas";
import { createShare } from "./create-share";
import { revokeShare } from "./end-share";
import { toggleSharing } from "./toggle-sharing";

const TAG = "bot-shares";
const SHARES = "/api/v1/bots/{bot_id}/shares";

/** What an owner does with the shares of a bot. The recipient's side is in my-shares.operations.ts, below another prefix. */
export const operations: readonly Operation[] = [
  operation({
    id: "fleet.bot-shares.create",
    method: "post",
    path: SHARES,
    tag: TAG,
    summary: "Share a bot with another account",
    auth: ["user"],
    limit: "write",
    idempotent: true,
    audit: "bot_share.create",
    params: BotSharesRef,
    body: CreateShareBody,
    output: ShareView,
    status: 201,
  }).handle(({ params, body }, ctx) => createShare(ctx, { ...params, ...body })),
  operation({
    id: "fleet.bot-shares.list",
    method: "get",
    path: SHARES,
    tag: TAG,
    summary: "Active shares of a bot, newest first",
    auth: ["user"],
    limit: "read",
    params: BotSharesRef,
    output: SharesView,
  }).handle(({ params }, ctx) => listShares(ctx, params)),
  operation({
    id: "fleet.bot-shares.revoke",
    method: "delete",
    path: `${SHARES}/{share_id}`,
    tag: TAG,
    summary: "Revoke a share: its recipient loses access at once",
    auth: ["user"],
    limit: "write",
    audit: "bot_share.revoke",
    params: ShareRef,
    output: ShareEndedView,
  }).handle(({ params }, ctx) => revokeShare(ctx, params)),
  operation({
    id: "fleet.bot-shares.toggle",
    method: "patch",
    path: "/api/v1/bots/{bot_id}/sharing",
    tag: TAG,
    summary: "Turn sharing of a bot on or off; off revokes all its shares",
    auth: ["user"],
    limit: "write",
    audit: "bot_share.toggle",
    params: BotSharesRef,
    body: SharingToggleBody,
    output: ShareEndedView,
  }).handle(({ params, body }, ctx) => toggleSharing(ctx, { ...params, ...body })),
];
