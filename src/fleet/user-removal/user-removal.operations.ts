import { operation } from "../../kernel/operation";
import { UserRef } from "../admin-users";
import { removeUser } from "./remove-user";
import { RemovedUserView, RemoveUserQuery } from "./user-removal.schemas";

export const operations = [
  operation({
    id: "fleet.user-removal.remove",
    method: "delete",
    path: "/api/v1/admin/users/{user_id}",
    tag: "admin",
    summary: "Remove somebody from every system, for good; tells what each step did",
    auth: ["admin"],
    limit: "write",
    audit: "user.hard_delete",
    params: UserRef,
    query: RemoveUserQuery,
    output: RemovedUserView,
  }).handle(({ params, query }, ctx) => removeUser(ctx, params, query)),
];
