import { operation } from "../../kernel/operation";
import { getAdminProfile } from "./admin-sessions.queries";
import { AdminLoginBody, AdminLoginView, AdminLogoutView, AdminProfileView, AdminRefreshBody, AdminRefreshView } from "./admin-sessions.schemas";
import { createAdminSession } from "./create-admin-session";
import { refreshAdminSession } from "./refresh-admin-session";
import { revokeAdminSessions } from "./revoke-admin-sessions";

const TAG = "admin";

export const operations = [
  operation({
    id: "fleet.admin-sessions.create",
    method: "post",
    path: "/api/v1/admin/login",
    tag: TAG,
    summary: "Sign in as an administrator",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "admin_session.create",
    body: AdminLoginBody,
    output: AdminLoginView,
  }).handle(({ body, request }, ctx) => createAdminSession(ctx, { ...body, deviceName: request.headers.get("x-device-name") })),
  operation({
    id: "fleet.admin-sessions.refresh",
    method: "post",
    path: "/api/v1/admin/refresh",
    tag: TAG,
    summary: "A new access token for an administrator's session",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "admin_session.refresh",
    body: AdminRefreshBody,
    output: AdminRefreshView,
  }).handle(({ body }, ctx) => refreshAdminSession(ctx, body)),
  operation({
    id: "fleet.admin-sessions.profile",
    method: "get",
    path: "/api/v1/admin/profile",
    tag: TAG,
    summary: "The calling administrator",
    auth: ["admin"],
    limit: "read",
    output: AdminProfileView,
  }).handle((_input, ctx) => getAdminProfile(ctx)),
  operation({
    id: "fleet.admin-sessions.logout",
    method: "post",
    path: "/api/v1/admin/logout",
    tag: TAG,
    summary: "Sign the calling administrator out everywhere, at once",
    auth: ["admin"],
    limit: "write",
    audit: "admin_session.revoke_all",
    output: AdminLogoutView,
  }).handle((_input, ctx) => revokeAdminSessions(ctx)),
];
