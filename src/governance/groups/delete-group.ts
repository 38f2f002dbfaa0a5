import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { fixGroupName, replaceGrantsThrough } from "../grants";
import type { DeletedGroupView, GroupRef } from "./groups.schemas";
import { deleteGroupRow, findGroup, replaceMembers } from "./groups.store";

/** Removes a group, who belonged to it and its awareness grants. Grants of servers and skills that name it stay, and reach nobody, were another group to get its name. @throws GROUP_NOT_FOUND */
export function deleteGroup(ctx: Ctx, ref: z.output<typeof GroupRef>): Promise<z.input<typeof DeletedGroupView>> {
  return retryLostUpdate(async () => {
    const found = await findGroup(ctx, ref.id);
    if (!found) throw refusal("GROUP_NOT_FOUND", "Group not found.");
    const { group, members } = found;
    const plan = new Plan(ctx).guarded(deleteGroupRow(ctx, group));
    replaceMembers(ctx, plan, group.id, []);
    fixGroupName(ctx, plan, group);
    replaceGrantsThrough(ctx, plan, group.id, []);
    contractsChanged(plan, "all");
    plan.audit(governed({ action: "group.delete", kind: "Group", key: group.id, before: { name: group.name, scope: group.scope, members: members.length } }));
    await plan.commit();
    return { id: group.id, status: "deleted" as const };
  });
}
