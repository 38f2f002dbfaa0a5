import { fromBase64Url, fromHex, toBase64Url, toHex } from "../src/kernel/crypto/bytes";
import type { ObjectBindings } from "../src/kernel/context";
import type { AccountFeedRpc } from "./account-feed/account-feed.rpc";
import type { BudgetRpc } from "./budget/budget.rpc";
import type { DirectoryRpc } from "./directory/directory.rpc";
import type { InstanceRef, InstanceRpc } from "./instance/instance.rpc";
import type { OrgRpc } from "./org/org.rpc";
import type { OutboxRpc, SourceRef } from "./shared/object-outbox.rpc";
import type { TenantRpc } from "./tenant/tenant.rpc";

/**
 * The only place that maps owners and machines to objects. Names contain the owner, so a foreign instance is simply an
 * unknown one; several instances could share an object by changing {@link instanceObject} alone.
 */

/** A typed stub: RPC methods plus `fetch` for upgrades. */
export type Stub<T> = T & { fetch(request: Request): Promise<Response> };

export function instanceObject(bindings: ObjectBindings, ref: InstanceRef): Stub<InstanceRpc> {
  return bindings.INSTANCE_DO.getByName(`${ref.userId}/${ref.instanceId}`) as unknown as Stub<InstanceRpc>;
}

export function accountFeedObject(bindings: ObjectBindings, userId: number): Stub<AccountFeedRpc> {
  return bindings.ACCOUNT_FEED_DO.getByName(String(userId)) as unknown as Stub<AccountFeedRpc>;
}

/** @throws Error when the environment lacks the binding */
function byName(bindings: ObjectBindings, binding: `${string}_DO`, name: string): DurableObjectStub {
  const namespace = bindings[binding];
  if (!namespace) throw new Error(`wrangler.toml has no binding ${binding}`);
  return namespace.getByName(name);
}

/** A governed tenant. */
export function tenantObject(bindings: ObjectBindings, name: string): Stub<TenantRpc> {
  return byName(bindings, "TENANT_DO", name) as unknown as Stub<TenantRpc>;
}

/** The one directory of tenants. */
export function directoryObject(bindings: ObjectBindings): Stub<DirectoryRpc> {
  return byName(bindings, "DIRECTORY_DO", "directory") as unknown as Stub<DirectoryRpc>;
}

const SOURCE_NAMESPACES = { tenant: "TENANT_DO", org: "ORG_DO", budget: "BUDGET_DO" } as const;

/** An object whose changes D1 shows. */
export function sourceObject(bindings: ObjectBindings, ref: SourceRef): Stub<OutboxRpc> {
  return byName(bindings, SOURCE_NAMESPACES[ref.object], ref.name) as unknown as Stub<OutboxRpc>;
}

/** The organisation: there is one. */
export function orgObject(bindings: ObjectBindings): Stub<OrgRpc> {
  return byName(bindings, "ORG_DO", "org") as unknown as Stub<OrgRpc>;
}

/** The one ledger of what is spent on models. */
export function budgetObject(bindings: ObjectBindings): Stub<BudgetRpc> {
  return byName(bindings, "BUDGET_DO", "org") as unknown as Stub<BudgetRpc>;
}

/** First part of every public command id: the object that keeps the command, so that no index is needed to find it. */
export function objectTag(id: DurableObjectId): string {
  const bytes = fromHex(id.toString());
  if (!bytes) throw new Error("an object id is not hexadecimal");
  return toBase64Url(bytes);
}

/** The object a command id (`cmd_<tag>_<sequence>`) points to; null when it cannot be one of ours. */
export function instanceObjectByCommandId(bindings: ObjectBindings, commandId: string): Stub<InstanceRpc> | null {
  const tag = /^cmd_([A-Za-z0-9_-]{43})_[0-9a-z]{1,40}$/.exec(commandId)?.[1];
  const bytes = tag === undefined ? null : fromBase64Url(tag);
  if (bytes?.length !== 32) return null;
  try {
    return bindings.INSTANCE_DO.get(bindings.INSTANCE_DO.idFromString(toHex(bytes))) as unknown as Stub<InstanceRpc>;
  } catch {
    return null;
  }
}

export { upgradeRequest, type Upgrade } from "./shared/upgrade";
export { memberUpgrade } from "./tenant/member-sockets";
