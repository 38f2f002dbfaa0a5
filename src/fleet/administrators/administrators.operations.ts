import { operation } from "../../kernel/operation";
import { listAdministrators } from "./administrators.queries";
import { AdministratorListView, AdministratorRef, AdministratorView, AppointBody, DismissedView } from "./administrators.schemas";
import { appointAdministrator, dismissAdministrator } from "./set-role";

const TAG = "ops";

/** Beside the contract: who administers this server. */
export const operations = [
  operation({
    id: "fleet.administrators.list",
    method: "get",
    path: "/api/v1/admin/ops/admins",
    tag: TAG,
    summary: "Administrators",
    auth: ["superadmin"],
    limit: "read",
    output: AdministratorListView,
  }).handle((_input, ctx) => listAdministrators(ctx)),
  operation({
    id: "fleet.administrators.appoint",
    method: "post",
    path: "/api/v1/admin/ops/admins",
    tag: TAG,
    summary: "Give somebody a role, or another one",
    auth: ["superadmin"],
    limit: "write",
    audit: "administrator.appoint",
    body: AppointBody,
    output: AdministratorView,
  }).handle(({ body }, ctx) => appointAdministrator(ctx, body)),
  operation({
    id: "fleet.administrators.dismiss",
    method: "delete",
    path: "/api/v1/admin/ops/admins/{user_id}",
    tag: TAG,
    summary: "Take an administrator's role away; signs them out everywhere",
    auth: ["superadmin"],
    limit: "write",
    audit: "administrator.dismiss",
    params: AdministratorRef,
    output: DismissedView,
  }).handle(({ params }, ctx) => dismissAdministrator(ctx, params)),
];
