import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { findBoundInstance, recordTokenUse } from "../cli-tokens";
import { projectBots } from "../bots";
import { getEntitlements, requireCapability } from "../plans";
import { toInstanceView } from "./instance-view";
import { mintInstanceId } from "./instances.core";
import type { InstanceView, RegisterInstanceInput } from "./instances.schemas";
import { appendFingerprint, countLocalInstances, findInstance, findInstanceByFingerprint, insertInstance, isFingerprintOfOther, isInstanceIdTaken, updateInstance, withinCap, type InstanceRow } from "./instances.store";
import { objectOf, refOf } from "./speak-for";

/**
 * Registers or updates the caller's machine, by the published order: (1) my row with this fingerprint; (2) my row with this id;
 * (3) without a fingerprint, by id alone, somebody else's refused; (4) a new machine: cap, trial abuse, an id of its own.
 * The answer's `instance_id` may differ from the asked one.
 * @throws AppError INSTANCE_OWNED_BY_OTHER, PLAN_LIMIT, TRIAL_ABUSE, TOKEN_BOUND, NOT_FOUND (`online: false` for an unknown machine)
 */
export async function registerInstance(ctx: OwnerCtx, input: RegisterInstanceInput): Promise<InstanceView> {
  const boundTo = ctx.actor.type === "cliToken" ? await findBoundInstance(ctx, ctx.actor.tokenId) : null;
  const row = await retryLostUpdate(() => resolveInstance(ctx, input, boundTo));
  const object = objectOf(ctx, row.instanceId);
  const ref = refOf(ctx, row.instanceId);
  await object.register(ref, {
    label: row.label,
    version: row.registeredVersion,
    provider: row.provider,
    orgoWorkspaceId: row.orgoWorkspaceId,
    orgoWorkspaceName: row.orgoWorkspaceName,
    orgoComputerId: row.orgoComputerId,
    createdAt: row.createdAt,
  });
  // An object that was purged late, or not at all, may know another roster than D1.
  await projectBots(ctx, { userId: ctx.actor.userId, instanceIds: [row.instanceId] });
  // After the object exists: a revocation from here on finds it there and is not overtaken by this admission.
  await recordTokenUse(ctx, row.instanceId);
  if (ctx.actor.type === "cliToken") await object.admitToken(ref, ctx.actor.tokenId, true);
  if (!input.online) await object.disconnect(ref, { tokenId: null, expiresAt: null });
  return toInstanceView(row, input.online);
}

async function resolveInstance(ctx: OwnerCtx, input: RegisterInstanceInput, boundTo: string | null): Promise<InstanceRow> {
  const tenantId = ctx.actor.userId;
  const fingerprint = input.machine_fingerprint ?? null;
  const known = (fingerprint && (await findInstanceByFingerprint(ctx, tenantId, fingerprint))) || (await findInstance(ctx, tenantId, input.instance_id));
  // A token of another machine is refused before anything is written; recordTokenUse says so and keeps the denial.
  if (boundTo !== null && boundTo !== (known?.instanceId ?? input.instance_id)) await recordTokenUse(ctx, known?.instanceId ?? input.instance_id);
  if (known) return refreshInstance(ctx, known, input, fingerprint);
  if (!input.online) throw notFound("Machine");
  const taken = await isInstanceIdTaken(ctx, input.instance_id);
  if (taken && fingerprint === null) throw new AppError("INSTANCE_OWNED_BY_OTHER", "This instance id belongs to another account.");
  const cap = await requireRoom(ctx, fingerprint);
  return createInstance(ctx, input, fingerprint, taken ? mintInstanceId(input.instance_id, ctx.clock.now()) : input.instance_id, cap);
}

async function refreshInstance(ctx: OwnerCtx, row: InstanceRow, input: RegisterInstanceInput, fingerprint: string | null): Promise<InstanceRow> {
  const changes = {
    label: input.label,
    registeredVersion: input.version,
    machineFingerprint: fingerprint ?? row.machineFingerprint,
    ...(row.cloudVmId === null ? placeOf(row, input) : {}),
    online: input.online,
    onlineChangedAt: row.online === input.online ? row.onlineChangedAt : ctx.clock.now(),
  };
  const plan = new Plan(ctx).guarded(updateInstance(ctx, row, changes)).audit({ action: "instance.update", subject: { type: "instance", id: row.instanceId } });
  if (fingerprint !== null && fingerprint !== row.machineFingerprint) plan.write(appendFingerprint(ctx, row.tenantId, row.instanceId, fingerprint));
  await plan.commit();
  return { ...row, ...changes, version: row.version + 1 };
}

/** Where a machine says it runs. Of those that we rent we know it ourselves. */
const placeOf = (row: InstanceRow, input: RegisterInstanceInput) => ({
  provider: input.provider ?? row.provider,
  orgoWorkspaceId: input.orgo_workspace_id ?? row.orgoWorkspaceId,
  orgoWorkspaceName: input.orgo_workspace_name ?? row.orgoWorkspaceName,
  orgoComputerId: input.orgo_computer_id ?? row.orgoComputerId,
});

/** The cap that a new machine must keep, null when there is none. @throws AppError PLAN_LIMIT, TRIAL_ABUSE */
async function requireRoom(ctx: OwnerCtx, fingerprint: string | null): Promise<number | null> {
  const tenantId = ctx.actor.userId;
  const cap = await requireCapability(ctx, tenantId, "multiple_openclaw_instances", (id) => countLocalInstances(ctx, id));
  if (fingerprint !== null && (await getEntitlements(ctx, tenantId)).source === "trial" && (await isFingerprintOfOther(ctx, tenantId, fingerprint))) {
    throw new AppError("TRIAL_ABUSE", "This machine is already registered under another account; a free trial cannot be used on it again.");
  }
  return cap;
}

async function createInstance(ctx: OwnerCtx, input: RegisterInstanceInput, fingerprint: string | null, instanceId: string, cap: number | null): Promise<InstanceRow> {
  const now = ctx.clock.now();
  const row = {
    tenantId: ctx.actor.userId,
    instanceId,
    label: input.label,
    registeredVersion: input.version,
    machineFingerprint: fingerprint,
    provider: input.provider ?? null,
    orgoWorkspaceId: input.orgo_workspace_id ?? null,
    orgoWorkspaceName: input.orgo_workspace_name ?? null,
    orgoComputerId: input.orgo_computer_id ?? null,
    capabilities: {},
    online: input.online,
    onlineChangedAt: now,
    createdAt: now,
    updatedAt: now,
  };
  const plan = new Plan(ctx).write(insertInstance(ctx, row)).audit({ action: "instance.create", subject: { type: "instance", id: instanceId }, detail: { label: input.label } });
  if (fingerprint !== null) plan.write(appendFingerprint(ctx, row.tenantId, instanceId, fingerprint));
  if (cap !== null) plan.require(withinCap(ctx, row.tenantId, cap));
  try {
    await plan.commit();
  } catch (error) {
    // Two registrations at once: the other one won; read again and take its row.
    if (isUniqueViolation(error, "instances.")) throw new LostUpdateError(error);
    throw error;
  }
  return { ...row, id: 0, rosterSeq: 0, vmEntitlementId: null, cloudVmId: null, archivedAt: null, planDisabledAt: null, version: 1 };
}
