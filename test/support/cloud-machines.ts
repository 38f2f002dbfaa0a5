import { cloudVmTag } from "../../src/fleet/vm-provisioning/tag";
import type { Ctx } from "../../src/kernel/context";
import type { Compute } from "../../src/kernel/ports/compute";
import type { Job } from "../../src/kernel/ports/services";
import { bindings, contextAt } from "./homeserver/view";
import { uniqueName, type TestUser } from "./client";
import type { MemoryCompute } from "./compute/memory";

/** Cloud machines by hand, for what looks after them rather than makes them. */

const { DB } = bindings;

/** A system context that goes `ms` ahead, at this provider (undefined: the configured one), whose messages are kept instead of sent. */
export function cloudContext(compute: Compute | null | undefined, ms = 0): { readonly ctx: Ctx; readonly jobs: Job[] } {
  const jobs: Job[] = [];
  const base = contextAt(ms);
  return { jobs, ctx: { ...base, services: { ...base.services, compute: compute === undefined ? base.services.compute : compute, jobs: { send: (job) => Promise.resolve(void jobs.push(job)) } } } };
}

export interface CloudMachine {
  readonly vmId: string;
  readonly instanceId: string;
  readonly tag: string;
  readonly computerId: string | null;
}

type Columns = Readonly<Record<string, string | number | null>>;

/** A machine of `user` that is online since an hour, with its computer at `compute`. @param vm further columns of its row @param addonId what is to pay for it */
export async function insertCloudVm(user: Pick<TestUser, "userId">, compute: MemoryCompute | null, vm: Columns = {}, addonId: string | null = null): Promise<CloudMachine> {
  const vmId = crypto.randomUUID();
  const instanceId = uniqueName("cloud-");
  const tag = await cloudVmTag(contextAt(0).config.tokenKeys, vmId);
  const at = Date.now() - 3_600_000;
  const computerId = "computer_id" in vm ? (vm["computer_id"] as string | null) : (compute?.add(tag).id ?? null);
  const row: Columns = {
    id: vmId,
    tenant_id: user.userId,
    instance_id: instanceId,
    name: uniqueName("den"),
    driver: compute?.driver ?? "memory",
    tag,
    cpu: 2,
    ram_gb: 4,
    llm_provider: "gemini",
    server_url: "https://sett.test",
    computer_id: computerId,
    status: "online",
    step: "online",
    step_started_at: at,
    step_deadline_at: at,
    created_at: at,
    updated_at: at,
    ...vm,
  };
  const names = Object.keys(row);
  await DB.batch([
    DB.prepare(`INSERT INTO cloud_vms (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`).bind(...Object.values(row)),
    DB.prepare("INSERT INTO instances (tenant_id, instance_id, label, registered_version, provider, capabilities, online, online_changed_at, vm_entitlement_id, cloud_vm_id, created_at, updated_at) VALUES (?, ?, 'den', '1.0.0', 'orgo', '{}', 1, ?, ?, ?, ?, ?)").bind(user.userId, instanceId, at, addonId, vmId, at, at),
  ]);
  return { vmId, instanceId, tag, computerId };
}

/** An add-on of `user` bought at Stripe. @returns its id */
export async function insertAddon(user: Pick<TestUser, "userId">, columns: Columns = {}): Promise<string> {
  const row: Columns = { id: crypto.randomUUID(), tenant_id: user.userId, source: "stripe", external_id: uniqueName("sub_"), status: "active", period_end: Date.now() + 20 * 86_400_000, created_at: Date.now(), updated_at: Date.now(), ...columns };
  const names = Object.keys(row);
  await DB.prepare(`INSERT INTO user_cloud_vm_addons (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
    .bind(...Object.values(row))
    .run();
  return String(row["id"]);
}

/** A machine's row; null when there is none (any more). */
export const vmRow = (vmId: string): Promise<Record<string, unknown> | null> => DB.prepare("SELECT v.*, i.vm_entitlement_id AS addon_id FROM cloud_vms v LEFT JOIN instances i ON i.cloud_vm_id = v.id WHERE v.id = ?").bind(vmId).first();

/** A finding; null when there never was one. */
export const findingOf = (kind: string, subject: string): Promise<Record<string, unknown> | null> => DB.prepare("SELECT * FROM reconcile_findings WHERE kind = ? AND subject = ?").bind(kind, subject).first();

export async function auditOf(user: Pick<TestUser, "userId">, like: string): Promise<string[]> {
  const { results } = await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND action LIKE ? ORDER BY id").bind(user.userId, like).all<{ action: string }>();
  return results.map(({ action }) => action);
}
