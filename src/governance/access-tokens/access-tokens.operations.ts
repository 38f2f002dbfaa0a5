import { operation } from "../../kernel/operation";
import { listAccessTokens } from "./access-tokens.queries";
import { AccessTokenListView, AccessTokenRef, CreateAccessTokenBody, CreatedAccessTokenView } from "./access-tokens.schemas";
import { createAccessToken } from "./create-access-token";
import { deleteAccessToken } from "./delete-access-token";

const TAG = "Access Tokens";
const PATH = "/api/v1/access-tokens";

export const operations = [
  operation({
    id: "governance.access-tokens.list",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "All tokens, newest first, without their plaintexts",
    auth: ["operator"],
    limit: "read",
    output: AccessTokenListView,
  }).handle((_input, ctx) => listAccessTokens(ctx)),
  operation({
    id: "governance.access-tokens.create",
    method: "post",
    path: PATH,
    tag: TAG,
    summary: "Make a token; its plaintext is shown this once",
    auth: ["operator"],
    limit: "write",
    audit: "access_token.create",
    body: CreateAccessTokenBody,
    output: CreatedAccessTokenView,
    status: 201,
  }).handle(({ body }, ctx) => createAccessToken(ctx, body)),
  operation({
    id: "governance.access-tokens.delete",
    method: "delete",
    path: `${PATH}/{id}`,
    tag: TAG,
    summary: "Revoke a token",
    auth: ["operator"],
    limit: "write",
    audit: "access_token.delete",
    params: AccessTokenRef,
    status: 204,
  }).handle(({ params }, ctx) => deleteAccessToken(ctx, params)),
];
