import { operation } from "../../kernel/operation";
import { bindScope } from "./bind-scope";
import { clearScope } from "./clear-scope";
import { getSessionScope } from "./session-scopes.queries";
import { BindScopeBody, BoundScopeView, ClearedScopeView, SessionRef, SessionScopeView } from "./session-scopes.schemas";

const TAG = "Sessions";

export const operations = [
  operation({
    id: "governance.session-scopes.get",
    method: "get",
    path: "/api/v1/sessions/{sessionKey}/scope",
    tag: TAG,
    summary: "What a session may draw on",
    auth: ["operator"],
    limit: "read",
    params: SessionRef,
    output: SessionScopeView,
  }).handle(({ params }, ctx) => getSessionScope(ctx, params)),
  operation({
    id: "governance.session-scopes.bind",
    method: "put",
    path: "/api/v1/sessions/{sessionKey}/scope",
    tag: TAG,
    summary: "Bind a session to what of the asked its principal is granted",
    auth: ["operator"],
    limit: "write",
    audit: "session_scope.bind",
    params: SessionRef,
    body: BindScopeBody,
    output: BoundScopeView,
  }).handle(({ params, body }, ctx) => bindScope(ctx, params, body)),
  operation({
    id: "governance.session-scopes.clear",
    method: "delete",
    path: "/api/v1/sessions/{sessionKey}/scope",
    tag: TAG,
    summary: "Unbind a session",
    auth: ["operator"],
    limit: "write",
    audit: "session_scope.clear",
    params: SessionRef,
    output: ClearedScopeView,
  }).handle(({ params }, ctx) => clearScope(ctx, params)),
];
