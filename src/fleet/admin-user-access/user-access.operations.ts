import { operation } from "../../kernel/operation";
import { UserRef } from "../admin-users";
import { getUserSecurity, listUserInstances, listUserMatrixDevices, listUserSessions } from "./user-access.queries";
import { MatrixDeviceListView, UserInstanceListView, UserSecurityView, UserSessionListView } from "./user-access.schemas";

const TAG = "admin";

export const operations = [
  operation({
    id: "fleet.admin-user-access.sessions",
    method: "get",
    path: "/api/v1/admin/users/{user_id}/sessions",
    tag: TAG,
    summary: "Somebody's sessions, revoked ones too, newest first",
    auth: ["admin"],
    limit: "read",
    params: UserRef,
    output: UserSessionListView,
  }).handle(({ params }, ctx) => listUserSessions(ctx, params)),
  operation({
    id: "fleet.admin-user-access.matrix-devices",
    method: "get",
    path: "/api/v1/admin/users/{user_id}/matrix-devices",
    tag: TAG,
    summary: "The devices of somebody's Matrix account",
    auth: ["admin"],
    limit: "read",
    params: UserRef,
    output: MatrixDeviceListView,
  }).handle(({ params }, ctx) => listUserMatrixDevices(ctx, params)),
  operation({
    id: "fleet.admin-user-access.instances",
    method: "get",
    path: "/api/v1/admin/users/{user_id}/openclaw-instances",
    tag: TAG,
    summary: "Somebody's machines",
    auth: ["admin"],
    limit: "read",
    params: UserRef,
    output: UserInstanceListView,
  }).handle(({ params }, ctx) => listUserInstances(ctx, params)),
  operation({
    id: "fleet.admin-user-access.security",
    method: "get",
    path: "/api/v1/admin/users/{user_id}/security",
    tag: TAG,
    summary: "Every way into somebody's account, and what looks wrong about it",
    auth: ["admin"],
    limit: "read",
    params: UserRef,
    output: UserSecurityView,
  }).handle(({ params }, ctx) => getUserSecurity(ctx, params)),
];
