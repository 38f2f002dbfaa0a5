import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { replaceGrantsThrough } from "../grants";
import { grantsMeant } from "./grant-list";
import { getGroup } from "./groups.queries";
import type { ChangedGroupView, CreateGroupBody } from "./groups.schemas";
import { GROUP_NAME_INDEX, insertGroup, replaceMembers } from "./groups.store";

/** Makes a group with its members and awareness grants. @throws CONFLICT when the name is taken */
export async function createGroup(ctx: Ctx, body: z.output<typeof CreateGroupBody>): Promise<z.input<typeof ChangedGroupView>> {
  const now = ctx.clock.now();
  const id = newId("grp", now);
  const description = body.description || null;
  const grants = grantsMeant(body, id, []);
  const plan = new Plan(ctx).write(insertGroup(ctx, { id, name: body.name, scope: body.scope, description, createdAt: now, updatedAt: now }));
  replaceMembers(ctx, plan, id, body.members);
  replaceGrantsThrough(ctx, plan, id, grants);
  contractsChanged(plan, "all");
  plan.audit(governed({ action: "group.create", kind: "Group", key: id, after: { name: body.name, scope: body.scope, members: body.members.length, grants: grants.length } }));
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, GROUP_NAME_INDEX)) throw new AppError("CONFLICT", `There is already a group named ${body.name}.`);
    throw error;
  }
  return { ...(await getGroup(ctx, { id })), status: "created" };
}
