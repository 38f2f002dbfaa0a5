import type { z } from "zod";
import type { Actor } from "../../kernel/auth/actor";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { isKeyAlive, MODEL_KEY_PREFIX } from "./model-keys.core";
import { toModelKeyView, type ModelKeyView, type TenantKeyRef } from "./model-keys.schemas";
import { findKeyByHash, findTenantWithKey } from "./model-keys.store";

type ModelKeyActor = Extract<Actor, { type: "modelKey" }>;

/** What is known of a tenant's newest key. @throws AppError TENANT_NOT_FOUND, MODEL_KEY_NOT_FOUND */
export async function getModelKey(ctx: Ctx, { tenantName }: z.output<typeof TenantKeyRef>): Promise<z.input<typeof ModelKeyView>> {
  const tenant = await findTenantWithKey(ctx, tenantName);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", "There is no such tenant.");
  if (!tenant.key) throw refusal("MODEL_KEY_NOT_FOUND", "The tenant has no model key.");
  return toModelKeyView(tenant.key, tenant.monthlyBudgetUsd);
}

/**
 * Whose budget a key spends, in one read. Null when the token is no model key at all.
 * A suspended tenant's key is known: it reserves nothing, but what its calls cost before must be booked.
 * @throws AppError FORBIDDEN when the key is unknown or revoked, or its tenant is gone
 */
export async function authenticateModelKey(ctx: Ctx, token: string): Promise<ModelKeyActor | null> {
  if (!token.startsWith(MODEL_KEY_PREFIX)) return null;
  const found = await findKeyByHash(ctx, await sha256Hex(token));
  if (!found || !isKeyAlive(found)) throw new AppError("FORBIDDEN", "The model key is not valid.");
  return { type: "modelKey", id: found.id, tenant: found.tenant };
}

/** Narrows to the holder of a model key. @throws AppError FORBIDDEN */
export function requireModelKey(ctx: Ctx): ModelKeyActor {
  if (ctx.actor.type !== "modelKey") throw new AppError("FORBIDDEN", "This needs a model key.");
  return ctx.actor;
}
