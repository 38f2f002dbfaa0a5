import { env } from "cloudflare:workers";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import type { Ctx } from "../../../src/kernel/context";
import { uniqueName } from "../client";

/** Looks at the homeserver and at our tables from outside the product, and makes time pass for the reconciler. */

export const bindings = env as unknown as Env;

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const deferred: Promise<unknown>[] = [];

/** A system context whose clock goes `ms` ahead and whose log is silent. */
export const contextAt = (ms: number): Ctx => ({
  ...createSystemContext(bindings, { waitUntil: (work) => void deferred.push(work) }, "test", uniqueName("req")),
  log: silent,
  clock: { now: () => Date.now() + ms },
});

/** Waits for what {@link contextAt}'s contexts left for after the answer. */
export async function settled(): Promise<void> {
  while (deferred.length > 0) await Promise.allSettled(deferred.splice(0));
}

async function ask(path: string, token: string | undefined): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await fetch(`${bindings.MATRIX_BASE_URL}${path}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Null when the homeserver has no such account. */
export async function accountOf(matrixId: string): Promise<{ readonly deactivated: boolean; readonly displayName: string | null } | null> {
  const { status, body } = await ask(`/_synapse/admin/v2/users/${encodeURIComponent(matrixId)}`, bindings.MATRIX_ADMIN_TOKEN);
  if (status === 404) return null;
  if (status !== 200) throw new Error(`the homeserver answered ${status} about ${matrixId}`);
  return { deactivated: body["deactivated"] === true || body["deactivated"] === 1, displayName: (body["displayname"] as string | null) ?? null };
}

export async function devicesOf(matrixId: string): Promise<string[]> {
  const { body } = await ask(`/_synapse/admin/v2/users/${encodeURIComponent(matrixId)}/devices`, bindings.MATRIX_ADMIN_TOKEN);
  return ((body["devices"] as { device_id: string }[] | undefined) ?? []).map((device) => device.device_id).sort();
}

/** Whom a token belongs to; null when it is dead. */
export async function whoIs(token: string): Promise<string | null> {
  const { status, body } = await ask("/_matrix/client/v3/account/whoami", token);
  return status === 200 ? String(body["user_id"]) : null;
}

export async function roomsOf(matrixId: string): Promise<string[]> {
  const { body } = await ask(`/_synapse/admin/v1/users/${encodeURIComponent(matrixId)}/joined_rooms`, bindings.MATRIX_ADMIN_TOKEN);
  return [...((body["joined_rooms"] as string[] | undefined) ?? [])].sort();
}
