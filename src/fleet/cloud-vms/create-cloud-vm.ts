import type { z } from "zod";
import { instanceObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { seal } from "../../kernel/crypto/envelope";
import { keyedHash } from "../../kernel/crypto/keyed-hash";
import { toHex } from "../../kernel/crypto/bytes";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { isGateOpen } from "../../kernel/gates/gates";
import { newUuid, randomBytes } from "../../kernel/ids/ids";
import { ComputeError, type Compute, type Computer } from "../../kernel/ports/compute";
import { describeError } from "../../kernel/logging/logger";
import { addCliTokenEnd } from "../cli-tokens";
import { purgeInstance } from "../instances";
import { beginStep, CLOUD_PROVIDER, type CloudVm, cloudVmTag, deleteCloudInstance, deleteVmRow, findVmByWish, findVmRow, insertCloudInstance, insertVm, isInstanceTaken, isVmNameTaken, keepComputer, LEASE_MS, llmKeySealContext, nameFree, ownerOpen, prepareVmToken, requireCompute, retryMs, sendAdvance, serverUrlOf, tellProgress, toAppError, UNKNOWN_VERSION, updateVm, withinPlace } from "../vm-provisioning";
import { toCloudVmView, type CloudVmView, type CreateCloudVmInput } from "./cloud-vms.schemas";
import { takePlace, type Place } from "./take-place";

/** How long a second request of the same wish waits for what the provider answers the first. */
const SAME_WAIT_MS = 250;
const SAME_TRIES = 40;

/**
 * Rents a machine: the row and its place in the plan first, then the provider. The answer carries the provider's id, or an empty one when
 * the provider did not say in time what became of the request; it is then looked for. The same wish while the machine boots is the same machine.
 * @throws AppError DEPENDENCY_UNAVAILABLE, PROVISIONING_CLOSED, PLAN_LIMIT, CLOUD_VM_NAME_TAKEN; BAD_GATEWAY, PROVIDER_CAPACITY (nothing was made, nothing is left)
 */
export async function createCloudVm(ctx: OwnerCtx, input: CreateCloudVmInput): Promise<z.input<typeof CloudVmView>> {
  const compute = requireCompute(ctx);
  if (!(await isGateOpen(ctx, "cloud_vms.create", ctx.actor.userId))) throw new AppError("PROVISIONING_CLOSED", "New cloud machines cannot be made at the moment.");
  const wish = await wishOf(ctx, input);
  const reserved = await retryLostUpdate(() => reserve(ctx, compute, input, wish));
  const { vm } = reserved;
  if (!reserved.isNew) {
    const made = await awaitSame(ctx, vm);
    // The provider refused it: this caller hears so, too.
    return made ? toCloudVmView(made) : createCloudVm(ctx, input);
  }
  await introduce(ctx, vm);
  let computer: Computer;
  try {
    computer = await compute.create({ tag: vm.tag, cpu: vm.cpu, ramGb: vm.ramGb, diskGb: vm.diskGb });
  } catch (error) {
    if (!(error instanceof ComputeError)) throw error;
    if (error.fault === "refused" || error.fault === "capacity" || error.fault === "unauthorized") {
      await withdraw(ctx, vm, error);
      throw toAppError(error);
    }
    return toCloudVmView(await postpone(ctx, vm, error));
  }
  const known = (await keepComputer(ctx, vm.id, computer)) ?? (await findVmRow(ctx, vm.id));
  // Destroyed meanwhile: what was introduced after that would stay.
  if (!known || known.status === "destroyed") await purgeInstance(ctx, { userId: vm.tenantId, instanceId: vm.instanceId });
  return toCloudVmView(known ?? { ...vm, status: "destroyed", computerId: computer.id, detail: null });
}

/** The machine of the same wish, once the provider answered whoever asked first, or did not in time; null when it refused. */
async function awaitSame(ctx: OwnerCtx, vm: CloudVm): Promise<CloudVm | null> {
  for (let tries = 0; ; tries++) {
    const row = await findVmRow(ctx, vm.id);
    const isAnswered = row === null || row.computerId !== null || row.settleAttempts > 0 || row.status !== "booting";
    if (isAnswered || tries >= SAME_TRIES) return row;
    await new Promise((resolve) => setTimeout(resolve, SAME_WAIT_MS));
  }
}

/** Makes the machine known to those who watch before anything of it runs. Best effort, as {@link tellProgress} is. */
async function introduce(ctx: OwnerCtx, vm: CloudVm): Promise<void> {
  const ref = { userId: vm.tenantId, instanceId: vm.instanceId };
  try {
    await instanceObject(ctx.objects, ref).register(ref, { label: vm.name, version: UNKNOWN_VERSION, provider: CLOUD_PROVIDER, orgoWorkspaceId: null, orgoWorkspaceName: null, orgoComputerId: null, createdAt: vm.createdAt });
  } catch (error) {
    ctx.log.warn("a cloud machine was not introduced", { event: "cloud_vm.introduce_failed", instance_id: vm.instanceId, ...describeError(error) });
  }
  await tellProgress(ctx, vm);
}

/** Keyed, since a model's key is in it. */
async function wishOf(ctx: OwnerCtx, { name, cpu, ram, disk_size_gb, llm_provider, llm_api_key }: CreateCloudVmInput): Promise<string> {
  const key = ctx.config.tokenKeys.keys.get(ctx.config.tokenKeys.activeId);
  if (!key) throw new Error("the active token key is missing from its ring");
  return keyedHash(key, `cloud_vm.wish:${JSON.stringify([ctx.actor.userId, name ?? null, cpu, ram, disk_size_gb ?? null, llm_provider ?? null, llm_api_key ?? null])}`);
}

/** @throws AppError PLAN_LIMIT, CLOUD_VM_NAME_TAKEN; LostUpdateError when somebody was quicker */
async function reserve(ctx: OwnerCtx, compute: Compute, input: CreateCloudVmInput, wish: string): Promise<{ readonly vm: CloudVm; readonly isNew: boolean }> {
  const { userId } = ctx.actor;
  const same = await findVmByWish(ctx, userId, wish);
  if (same) return { vm: same, isNew: false };
  const name = input.name ?? `bc-${toHex(randomBytes(3))}`;
  let place: Place;
  try {
    if (await isVmNameTaken(ctx, userId, name)) throw new AppError("CLOUD_VM_NAME_TAKEN", "You have a cloud machine of this name.");
    place = await takePlace(ctx, userId);
  } catch (error) {
    // It may be the same wish, come since we looked, that has the name or the last place.
    const meanwhile = await findVmByWish(ctx, userId, wish);
    if (meanwhile) return { vm: meanwhile, isNew: false };
    throw error;
  }
  const now = ctx.clock.now();
  const id = newUuid();
  const instanceId = `cloud-${id.replaceAll("-", "").slice(0, 12)}`;
  if (await isInstanceTaken(ctx, instanceId)) throw new LostUpdateError(new Error("instance id taken"));
  const token = await prepareVmToken(ctx, { id, name, instanceId });
  const vm: CloudVm = {
    ...NEW_ROW,
    ...beginStep("create", now),
    id,
    tenantId: userId,
    instanceId,
    name,
    wish,
    driver: compute.driver,
    tag: await cloudVmTag(ctx.config.tokenKeys, id),
    cpu: input.cpu,
    ramGb: input.ram,
    diskGb: input.disk_size_gb ?? null,
    llmProvider: (input.llm_provider ?? null) as CloudVm["llmProvider"],
    sealedLlmKey: input.llm_api_key == null ? null : await seal(ctx.config.sealKeys, input.llm_api_key, llmKeySealContext(id)),
    serverUrl: serverUrlOf(ctx),
    tokenId: token.tokenId,
    sealedToken: token.sealedToken,
    // This request is about to call; whoever finds the row later does not know how far it came.
    createCalledAt: now,
    settleAt: now + LEASE_MS,
    createdAt: now,
    updatedAt: now,
  };
  const plan = new Plan(ctx)
    .write(insertVm(ctx, vm))
    .write(
      insertCloudInstance(ctx, {
        tenantId: userId,
        instanceId,
        label: name,
        registeredVersion: UNKNOWN_VERSION,
        machineFingerprint: null,
        provider: CLOUD_PROVIDER,
        capabilities: {},
        online: false,
        onlineChangedAt: now,
        vmEntitlementId: place.addonId,
        cloudVmId: id,
        createdAt: now,
        updatedAt: now,
      }),
    )
    .require(withinPlace(ctx, userId, place))
    .require(ownerOpen(ctx, userId))
    .require(nameFree(ctx, userId, name))
    .audit({ action: "cloud_vm.create", subject: { type: "cloud_vm", id }, detail: { instance_id: instanceId, name, cpu: vm.cpu, ram_gb: vm.ramGb, disk_gb: vm.diskGb, llm_provider: vm.llmProvider, driver: vm.driver, addon_id: place.addonId } });
  try {
    await token.writeTo(plan).commit();
  } catch (error) {
    if (isUniqueViolation(error, "cloud_vms.") || isUniqueViolation(error, "cli_tokens")) throw new LostUpdateError(error);
    throw error;
  }
  return { vm, isNew: true };
}

/** The provider said no: nothing was made, so nothing of it stays. */
async function withdraw(ctx: OwnerCtx, vm: CloudVm, error: ComputeError): Promise<void> {
  await retryLostUpdate(async () => {
    const row = await findVmRow(ctx, vm.id);
    if (!row) return;
    const plan = new Plan(ctx).guarded(deleteVmRow(ctx, row)).write(deleteCloudInstance(ctx, row));
    if (row.tokenId !== null) await addCliTokenEnd(ctx, plan, row.tenantId, row.tokenId, "cloud_vm_refused");
    await plan
      .effect({ type: "instance.purge", payload: { userId: row.tenantId, instanceId: row.instanceId } })
      .audit({ action: "cloud_vm.refused", subject: { type: "cloud_vm", id: row.id }, detail: { fault: error.fault, driver: row.driver } })
      .commit();
  });
}

/** Nobody knows what became of the call: it is looked for by its tag, and repeated only when it is not there. */
async function postpone(ctx: OwnerCtx, vm: CloudVm, error: ComputeError): Promise<CloudVm> {
  ctx.log.warn("the provider did not say what it made", { event: "cloud_vm.create_uncertain", instance_id: vm.instanceId, fault: error.fault, provider_request_id: error.providerRequestId });
  const now = ctx.clock.now();
  const changes = { detail: "The provider is slow; looking for what it made", lastError: error.message, lastErrorAt: now, settleAt: now + retryMs(1), settleAttempts: 1 };
  try {
    await new Plan(ctx).guarded(updateVm(ctx, vm, changes)).commit();
  } catch (lost) {
    if (!(lost instanceof LostUpdateError)) throw lost;
    return (await findVmRow(ctx, vm.id)) ?? vm;
  }
  const known = { ...vm, ...changes, version: vm.version + 1 };
  await tellProgress(ctx, known);
  await sendAdvance(ctx, known);
  return known;
}

/** Columns that a new row leaves to their defaults. */
const NEW_ROW = {
  computerId: null,
  workspaceId: null,
  workspaceName: null,
  lastError: null,
  lastErrorAt: null,
  installedAt: null,
  beatsSince: null,
  rebootAt: null,
  missingSince: null,
  mendedAt: null,
  unpaidSince: null,
  destroyAfter: null,
  destroyedAt: null,
  version: 1,
} as const;
