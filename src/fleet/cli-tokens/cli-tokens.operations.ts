import { operation } from "../../kernel/operation";
import { getCliToken, listCliTokens } from "./cli-tokens.queries";
import {
  CliTokenDetailView,
  CliTokenListView,
  CliTokenRef,
  ListCliTokensQuery,
  MintCliTokenBody,
  MintedCliTokenView,
  RevokeCliTokenQuery,
  RotateCliTokenBody,
  UnboundCliTokenView,
} from "./cli-tokens.schemas";
import { issueCliToken } from "./issue-cli-token";
import { revokeCliToken } from "./revoke-cli-token";
import { rotateCliToken } from "./rotate-cli-token";
import { unbindCliToken } from "./unbind-cli-token";

const TAG = "cli-access-tokens";
const COLLECTION = "/api/v1/user/cli-tokens";
const ITEM = "/api/v1/user/cli-tokens/{token_id}";

export const operations = [
  operation({
    id: "fleet.cli-tokens.mint",
    method: "post",
    path: COLLECTION,
    tag: TAG,
    summary: "Mint a CLI token; its text is shown only in this answer",
    auth: ["user"],
    limit: "write",
    idempotent: true,
    audit: "cli_token.mint",
    body: MintCliTokenBody,
    output: MintedCliTokenView,
    status: 201,
  }).handle(({ body }, ctx) => issueCliToken(ctx, body)),
  operation({
    id: "fleet.cli-tokens.list",
    method: "get",
    path: COLLECTION,
    tag: TAG,
    summary: "CLI tokens, newest first",
    auth: ["user"],
    limit: "read",
    query: ListCliTokensQuery,
    output: CliTokenListView,
  }).handle(({ query }, ctx) => listCliTokens(ctx, query)),
  operation({
    id: "fleet.cli-tokens.get",
    method: "get",
    path: ITEM,
    tag: TAG,
    summary: "A CLI token with its recent events",
    auth: ["user"],
    limit: "read",
    params: CliTokenRef,
    output: CliTokenDetailView,
  }).handle(({ params }, ctx) => getCliToken(ctx, params)),
  operation({
    id: "fleet.cli-tokens.revoke",
    method: "delete",
    path: ITEM,
    tag: TAG,
    summary: "End a CLI token; with cascade its machine goes offline at once",
    auth: ["user"],
    limit: "write",
    audit: "cli_token.revoke",
    params: CliTokenRef,
    query: RevokeCliTokenQuery,
    status: 204,
  }).handle(({ params, query }, ctx) => revokeCliToken(ctx, { ...params, ...query })),
  operation({
    id: "fleet.cli-tokens.unbind",
    method: "post",
    path: `${ITEM}/unbind`,
    tag: TAG,
    summary: "Free a CLI token from its machine",
    auth: ["user"],
    limit: "write",
    audit: "cli_token.unbind",
    params: CliTokenRef,
    output: UnboundCliTokenView,
  }).handle(({ params }, ctx) => unbindCliToken(ctx, params)),
  operation({
    id: "fleet.cli-tokens.rotate",
    method: "post",
    path: `${ITEM}/rotate`,
    tag: TAG,
    summary: "Replace a CLI token; the old one dies at once",
    auth: ["user"],
    limit: "write",
    idempotent: true,
    audit: "cli_token.rotate",
    params: CliTokenRef,
    body: RotateCliTokenBody,
    bodyOptional: true,
    output: MintedCliTokenView,
    status: 201,
  }).handle(({ params }, ctx) => rotateCliToken(ctx, params)),
];
