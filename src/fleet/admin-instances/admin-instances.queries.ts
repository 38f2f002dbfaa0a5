import type { z } from "zod";
import { instanceObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { readCursor, writeCursor } from "../../kernel/db/cursor";
import { notFound } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { toAdminInstance, toCollision, type AdminInstanceListView, type AdminInstanceRef, type AdminInstanceView, type CollisionListView, type ListCollisionsQuery, type ListInstancesOfAllQuery } from "./admin-instances.schemas";
import { BOTS_SHOWN, DETAIL_BOTS, findInstanceOfAnybody, listCollisions, listInstancesOfAll, SIGHTINGS_SHOWN, type ListedInstanceRow } from "./admin-instances.store";

/** Machines of all owners, newest first. @throws AppError VALIDATION_ERROR (a cursor that is none) */
export async function listAllInstances(ctx: OwnerCtx, { page, limit, search, cursor }: z.output<typeof ListInstancesOfAllQuery>): Promise<z.input<typeof AdminInstanceListView>> {
  const after = cursor === undefined ? null : readCursor(cursor).at;
  const { total, complete, rows } = await listInstancesOfAll(ctx, { search: search || null, after, limit, offset: after === null ? (page - 1) * limit : 0 });
  const last = rows.at(-1);
  const next = rows.length === limit && last ? writeCursor({ at: last.id, id: String(last.id) }) : null;
  return { instances: rows.map((row) => toAdminInstance(row, BOTS_SHOWN)), total, total_is_exact: complete, page, limit, next_cursor: next };
}

/** One machine of anybody, and what its object tells. @throws AppError NOT_FOUND */
export async function getAnyInstance(ctx: OwnerCtx, { instance_id: instanceId }: z.output<typeof AdminInstanceRef>): Promise<z.input<typeof AdminInstanceView>> {
  const row = await findInstanceOfAnybody(ctx, instanceId);
  if (!row) throw notFound("Machine");
  const shown = toAdminInstance(row, DETAIL_BOTS);
  const { heartbeat, heartbeat_error } = await askMachine(ctx, row);
  return { ...shown, online: typeof heartbeat?.["isOnline"] === "boolean" && heartbeat["lastHeartbeat"] !== null ? heartbeat["isOnline"] : shown.online, heartbeat, heartbeat_error };
}

/** An object that fails takes nothing from the rest of the answer. */
async function askMachine(ctx: OwnerCtx, row: ListedInstanceRow): Promise<{ readonly heartbeat: Record<string, unknown> | null; readonly heartbeat_error: string | null }> {
  const ref = { userId: row.tenant_id, instanceId: row.instance_id };
  try {
    const told = await instanceObject(ctx.objects, ref).getSummary(ref);
    return { heartbeat: told && { ...told }, heartbeat_error: null };
  } catch (error) {
    ctx.log.warn("a machine's object does not answer", { event: "admin_instance.object_silent", ...describeError(error) });
    return { heartbeat: null, heartbeat_error: "The machine's object does not answer." };
  }
}

/** Fingerprints that several accounts have registered. */
export async function listFingerprintCollisions(ctx: OwnerCtx, { limit }: z.output<typeof ListCollisionsQuery>): Promise<z.input<typeof CollisionListView>> {
  const collisions = (await listCollisions(ctx, limit)).map((row) => toCollision(row, SIGHTINGS_SHOWN));
  return { collisions, count: collisions.length, limit };
}
