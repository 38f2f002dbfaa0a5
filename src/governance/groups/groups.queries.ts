import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { refusal } from "../errors";
import { listGrantsThrough } from "../grants";
import { toGroupView, type GroupListView, type GroupRef, type GroupView } from "./groups.schemas";
import { findGroup, listGroupRows } from "./groups.store";

/** All groups, newest first. */
export async function listGroups(ctx: Ctx): Promise<z.input<typeof GroupListView>> {
  const [groups, grants] = await Promise.all([listGroupRows(ctx), listGrantsThrough(ctx)]);
  return groups.map((listed) => toGroupView(listed, grants.get(listed.group.id) ?? []));
}

/** One group. @throws GROUP_NOT_FOUND */
export async function getGroup(ctx: Ctx, { id }: z.output<typeof GroupRef>): Promise<z.input<typeof GroupView>> {
  const [found, grants] = await Promise.all([findGroup(ctx, id), listGrantsThrough(ctx, [id])]);
  if (!found) throw refusal("GROUP_NOT_FOUND", "Group not found.");
  return toGroupView(found, grants.get(id) ?? []);
}
