import { sql } from "drizzle-orm";
import type { z } from "zod";
import { accountFeedObject } from "../../../durable-objects/stubs";
import { publicJwks } from "../../kernel/auth/access-token";
import { iso } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { JwksView, type DbHealthView, type HealthView, type KmsHealthView, type PushHealthView, type RedisHealthView, type RootView } from "./health.schemas";

/** No account has this id: its feed is asked, never written. */
const PROBE_ACCOUNT = 0;
const PROBE_CONTEXT = "health:kms";

/** What answers here. */
export async function getRoot(ctx: Ctx): Promise<z.input<typeof RootView>> {
  return { message: "Sett, a control plane for fleets of agents", status: "running", timestamp: iso(ctx.clock.now()) };
}

/** Whether this process serves requests at all; asks nobody else. */
export async function getHealth(ctx: Ctx): Promise<z.input<typeof HealthView>> {
  const { environment, release } = ctx.config;
  return { ok: true, status: "healthy", timestamp: iso(ctx.clock.now()), message: null, error: null, environment, release };
}

/** Whether D1 answers. @throws AppError DEPENDENCY_UNAVAILABLE */
export async function getDbHealth(ctx: Ctx): Promise<z.input<typeof DbHealthView>> {
  try {
    await ctx.db.run(sql`SELECT 1`);
  } catch (error) {
    throw new AppError("DEPENDENCY_UNAVAILABLE", "The database does not answer.", { extras: { ok: false, database: "unavailable" }, cause: error });
  }
  return { ok: true, database: "connected" };
}

/** Whether values can be sealed at rest: a round trip with the active key. There is no remote KMS; the names are the contract's. */
export async function getSealingHealth(ctx: Ctx): Promise<z.input<typeof KmsHealthView>> {
  const { sealKeys } = ctx.config;
  const nonce = newUuid();
  const usable = await seal(sealKeys, nonce, PROBE_CONTEXT).then(async (sealed) => (await unseal(sealKeys, sealed, PROBE_CONTEXT)) === nonce, () => false);
  const present = sealKeys.keys.size > 0;
  return { kms_arn_set: present, kms_client_initialized: usable, kms_key_arn_set: present, status: usable ? "healthy" : "unhealthy", encryption_test: usable ? "passed" : "failed" };
}

/** Whether Durable Objects, which hold all live state here, answer. @throws AppError DEPENDENCY_UNAVAILABLE */
export async function getObjectsHealth(ctx: Ctx): Promise<z.input<typeof RedisHealthView>> {
  try {
    await accountFeedObject(ctx.objects, PROBE_ACCOUNT).getOverview(PROBE_ACCOUNT);
  } catch (error) {
    throw new AppError("DEPENDENCY_UNAVAILABLE", "Live state does not answer.", { extras: { ok: false, redis: "unavailable" }, cause: error });
  }
  return { ok: true, redis: "connected" };
}

/** Whether the configured push gateway answers. */
export async function getPushHealth(ctx: Ctx): Promise<z.input<typeof PushHealthView>> {
  const { push } = ctx.services;
  const accessible = push !== null && (await push.isHealthy());
  const status = push === null ? "not_configured" : accessible ? "healthy" : "unhealthy";
  return { status, sygnal_accessible: accessible, sygnal_url: push?.origin ?? "", timestamp: iso(ctx.clock.now()) };
}

/** Keys that verify our access tokens. Only the named public members leave. */
export async function getJwks(ctx: Ctx): Promise<z.input<typeof JwksView>> {
  return JwksView.parse(await publicJwks(ctx.config));
}
