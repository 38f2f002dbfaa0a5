import { operation } from "../../kernel/operation";
import { createGroup } from "./create-group";
import { deleteGroup } from "./delete-group";
import { getGroup, listGroups } from "./groups.queries";
import { ChangedGroupView, CreateGroupBody, DeletedGroupView, GroupListView, GroupRef, GroupView, UpdateGroupBody } from "./groups.schemas";
import { updateGroup } from "./update-group";

const TAG = "Groups";
const MAX_BODY_BYTES = 1024 * 1024;

export const operations = [
  operation({
    id: "governance.groups.list",
    method: "get",
    path: "/api/v1/groups",
    tag: TAG,
    summary: "All groups, newest first",
    auth: ["operator"],
    limit: "read",
    output: GroupListView,
  }).handle((_input, ctx) => listGroups(ctx)),
  operation({
    id: "governance.groups.create",
    method: "post",
    path: "/api/v1/groups",
    tag: TAG,
    summary: "Make a group with its members and awareness grants",
    auth: ["operator"],
    limit: "write",
    audit: "group.create",
    errors: [409],
    maxBodyBytes: MAX_BODY_BYTES,
    body: CreateGroupBody,
    output: ChangedGroupView,
    status: 201,
  }).handle(({ body }, ctx) => createGroup(ctx, body)),
  operation({
    id: "governance.groups.get",
    method: "get",
    path: "/api/v1/groups/{id}",
    tag: TAG,
    summary: "One group",
    auth: ["operator"],
    limit: "read",
    params: GroupRef,
    output: GroupView,
  }).handle(({ params }, ctx) => getGroup(ctx, params)),
  operation({
    id: "governance.groups.update",
    method: "put",
    path: "/api/v1/groups/{id}",
    tag: TAG,
    summary: "Change a group; its awareness grants are replaced",
    auth: ["operator"],
    limit: "write",
    audit: "group.update",
    errors: [409],
    maxBodyBytes: MAX_BODY_BYTES,
    params: GroupRef,
    body: UpdateGroupBody,
    output: ChangedGroupView,
  }).handle(({ params, body }, ctx) => updateGroup(ctx, params, body)),
  operation({
    id: "governance.groups.delete",
    method: "delete",
    path: "/api/v1/groups/{id}",
    tag: TAG,
    summary: "Remove a group and its awareness grants",
    auth: ["operator"],
    limit: "write",
    audit: "group.delete",
    params: GroupRef,
    output: DeletedGroupView,
  }).handle(({ params }, ctx) => deleteGroup(ctx, params)),
];
