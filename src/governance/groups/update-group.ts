import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { fixGroupName, listGrantsThrough, replaceGrantsThrough } from "../grants";
import { grantsMeant } from "./grant-list";
import { getGroup } from "./groups.queries";
import type { ChangedGroupView, GroupRef, UpdateGroupBody } from "./groups.schemas";
import { findGroup, GROUP_NAME_INDEX, replaceMembers, updateGroupRow } from "./groups.store";

/** Changes a group. Its awareness grants are replaced whatever the request holds; members stay when it names none. @throws GROUP_NOT_FOUND, CONFLICT when the name is taken */
export async function updateGroup(ctx: Ctx, ref: z.output<typeof GroupRef>, body: z.output<typeof UpdateGroupBody>): Promise<z.input<typeof ChangedGroupView>> {
  await retryLostUpdate(async () => {
    const [found, grantsBefore] = await Promise.all([findGroup(ctx, ref.id), listGrantsThrough(ctx, [ref.id])]);
    if (!found) throw refusal("GROUP_NOT_FOUND", "Group not found.");
    const { group } = found;
    const grants = grantsMeant(body, group.id, grantsBefore.get(group.id) ?? []);
    const members = body.members ?? found.members;
    const after = { name: body.name ?? group.name, scope: body.scope ?? group.scope, description: body.description === undefined ? group.description : body.description || null };
    const plan = new Plan(ctx).guarded(updateGroupRow(ctx, group, { ...after, updatedAt: ctx.clock.now() }));
    if (body.members) replaceMembers(ctx, plan, group.id, body.members);
    if (after.name !== group.name) fixGroupName(ctx, plan, group);
    replaceGrantsThrough(ctx, plan, group.id, grants);
    contractsChanged(plan, "all");
    plan.audit(
      governed({
        action: "group.update",
        kind: "Group",
        key: group.id,
        before: { name: group.name, scope: group.scope, members: found.members.length },
        after: { name: after.name, scope: after.scope, members: members.length, grants: grants.length },
      }),
    );
    try {
      await plan.commit();
    } catch (error) {
      if (isUniqueViolation(error, GROUP_NAME_INDEX)) throw new AppError("CONFLICT", `There is already a group named ${after.name}.`);
      throw error;
    }
  });
  return { ...(await getGroup(ctx, ref)), status: "updated" };
}
