import { operation } from "../../kernel/operation";
import { UserActionView, UserRef } from "../admin-users";
import { CreateMatrixAccountBody, CreateMatrixAccountView, MatrixActionView } from "./admin-user-matrix.schemas";
import { createMatrixAccountOf } from "./create-matrix-account-of";
import { deactivateMatrixOf } from "./deactivate-matrix";
import { activateMatrixOf, recreateMatrixOf } from "./revive-matrix";

const TAG = "admin";

export const operations = [
  operation({
    id: "fleet.admin-user-matrix.deactivate",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/matrix-deactivate",
    tag: TAG,
    summary: "End somebody's Matrix account only",
    auth: ["admin"],
    limit: "write",
    audit: "user.matrix_deactivate",
    params: UserRef,
    output: UserActionView,
  }).handle(({ params }, ctx) => deactivateMatrixOf(ctx, params)),
  operation({
    id: "fleet.admin-user-matrix.activate",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/matrix-activate",
    tag: TAG,
    summary: "Bring somebody's deactivated Matrix account back",
    auth: ["admin"],
    limit: "write",
    audit: "user.matrix_activate",
    params: UserRef,
    output: MatrixActionView,
  }).handle(({ params }, ctx) => activateMatrixOf(ctx, params)),
  operation({
    id: "fleet.admin-user-matrix.recreate",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/matrix-recreate",
    tag: TAG,
    summary: "Bring somebody's erased Matrix account back; what was erased stays so",
    auth: ["admin"],
    limit: "write",
    audit: "user.matrix_recreate",
    params: UserRef,
    output: MatrixActionView,
  }).handle(({ params }, ctx) => recreateMatrixOf(ctx, params)),
  operation({
    id: "fleet.admin-user-matrix.create",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/create-matrix-account",
    tag: TAG,
    summary: "Make the Matrix account of somebody who has none",
    auth: ["admin"],
    limit: "write",
    audit: "user.create_matrix_account",
    params: UserRef,
    body: CreateMatrixAccountBody,
    output: CreateMatrixAccountView,
  }).handle(({ params, body }, ctx) => createMatrixAccountOf(ctx, params, body)),
];
