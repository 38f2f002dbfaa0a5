import { operation } from "../../kernel/operation";
import { createSession } from "./create-session";
import { refreshSession } from "./refresh-session";
import { revokeAllSessions, revokeCurrentSession, revokeSession } from "./revoke-session";
import { listSessions } from "./sessions.queries";
import { LoginBody, LoginView, LogoutBody, LogoutView, RefreshBody, RefreshView, RevokeAllSessionsView, RevokeSessionView, SessionListView, SessionRef } from "./sessions.schemas";

const TAG = "user";

export const operations = [
  operation({
    id: "fleet.sessions.create",
    method: "post",
    path: "/api/v1/user/login",
    tag: TAG,
    summary: "Sign in by e-mail, user name or Matrix id",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.username,
    audit: "session.create",
    body: LoginBody,
    output: LoginView,
  }).handle(({ body, request }, ctx) => createSession(ctx, { ...body, deviceName: request.headers.get("x-device-name") })),
  operation({
    id: "fleet.sessions.refresh",
    method: "post",
    path: "/api/v1/user/token/refresh",
    tag: TAG,
    summary: "A new access token for a session; the refresh token stays",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "session.refresh",
    body: RefreshBody,
    output: RefreshView,
  }).handle(({ body }, ctx) => refreshSession(ctx, body)),
  operation({
    id: "fleet.sessions.logout",
    method: "post",
    path: "/api/v1/user/logout",
    tag: TAG,
    summary: "Sign out this session, or the one the body names",
    auth: ["user"],
    limit: "write",
    audit: "session.logout",
    body: LogoutBody,
    bodyOptional: true,
    output: LogoutView,
  }).handle(({ body }, ctx) => revokeCurrentSession(ctx, body)),
  operation({
    id: "fleet.sessions.list",
    method: "get",
    path: "/api/v1/user/sessions",
    tag: TAG,
    summary: "Signed-in devices",
    auth: ["user"],
    limit: "read",
    output: SessionListView,
  }).handle((_input, ctx) => listSessions(ctx)),
  operation({
    id: "fleet.sessions.revoke-all",
    method: "post",
    path: "/api/v1/user/sessions/revoke-all",
    tag: TAG,
    summary: "Sign out everywhere, at once",
    auth: ["user"],
    limit: "write",
    audit: "session.revoke_all",
    output: RevokeAllSessionsView,
  }).handle((_input, ctx) => revokeAllSessions(ctx)),
  operation({
    id: "fleet.sessions.revoke",
    method: "delete",
    path: "/api/v1/user/sessions/{session_id}",
    tag: TAG,
    summary: "Sign a device out; takes effect at its next refresh",
    auth: ["user"],
    limit: "write",
    audit: "session.revoke",
    params: SessionRef,
    output: RevokeSessionView,
  }).handle(({ params }, ctx) => revokeSession(ctx, params)),
];
