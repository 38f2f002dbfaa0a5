import { z } from "zod";
import { iso } from "../../kernel/clock";
import { GRANT_SCOPES, GrantScopeInput, GrantView, GroupGrantBody, MAX_GRANTS, toGrantView, type Grant } from "../grants";
import { toMemberList } from "./groups.core";
import type { ListedGroup } from "./groups.store";

const MAX_MEMBERS = 1_000;

const Text = z.string().max(255);
const Member = z.union([Text, z.object({ id: Text.optional(), tenant: Text.optional(), userId: Text.optional(), name: Text.optional() })]);
const Members = z.array(Member).max(MAX_MEMBERS).transform(toMemberList);
const Grants = z.array(GroupGrantBody).max(MAX_GRANTS);
const Name = z.string().trim().min(1).max(120);
const Description = z.string().trim().max(1_000).nullable();

/** Both names mean one list. */
const grantLists = { awarenessGrants: Grants.optional(), grants: Grants.optional() };

export const CreateGroupBody = z
  .object({ name: Name, scope: GrantScopeInput.default("org"), description: Description.optional(), members: Members.default([]), ...grantLists })
  .meta({ id: "CreateGroupRequest" });

/** What is absent stays, except the grants: they are always replaced, so that absent means none. An empty description is taken away. */
export const UpdateGroupBody = z
  .object({ name: Name.optional(), scope: GrantScopeInput.optional(), description: Description.optional(), members: Members.optional(), ...grantLists })
  .meta({ id: "UpdateGroupRequest" });

export const GroupRef = z.object({ id: z.string().min(1).max(64) });

export const GroupView = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().optional(),
    scope: z.enum(GRANT_SCOPES),
    members: z.array(z.string()),
    memberCount: z.int(),
    awarenessGrants: z.array(GrantView),
    grants: z.array(GrantView),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "Group" });

export const GroupListView = z.array(GroupView).meta({ id: "GroupList" });

/** What a change answers: the group, and what was done to it. */
export const ChangedGroupView = GroupView.extend({ status: z.enum(["created", "updated"]) }).meta({ id: "ChangedGroup" });

export const DeletedGroupView = z.object({ id: z.string(), status: z.literal("deleted") }).meta({ id: "DeletedGroup" });

export function toGroupView({ group, members }: ListedGroup, grants: readonly Grant[]): z.input<typeof GroupView> {
  const views = grants.map(toGrantView);
  return {
    id: group.id,
    name: group.name,
    ...(group.description === null ? {} : { description: group.description }),
    scope: group.scope,
    members: [...members],
    memberCount: members.length,
    awarenessGrants: views,
    grants: views,
    createdAt: iso(group.createdAt),
    updatedAt: iso(group.updatedAt),
  };
}
