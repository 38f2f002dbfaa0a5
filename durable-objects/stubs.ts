import { fromBase64Url, fromHex, toBase64Url, toHex } from "../src/kernel/crypto/bytes";
import type { ObjectBindings } from "../src/kernel/context";
import type { AccountFeedRpc } from "./account-feed/account-feed.rpc";
import type { InstanceRef, InstanceRpc } from "./instance/instance.rpc";

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
