import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { newId, randomBytes } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { keyAlias, modelKeyText } from "./model-keys.core";
import { toModelKeyView, type IssuedModelKeyView, type TenantKeyRef } from "./model-keys.schemas";
import { findTenantWithKey, insertKey, revokeLivingKey } from "./model-keys.store";

/** Makes a tenant's model key, in place of the one that lived, and shows it once. @throws AppError TENANT_NOT_FOUND, CONFLICT when others issue at the same time again and again */
export async function issueModelKey(ctx: Ctx, { tenantName }: z.output<typeof TenantKeyRef>): Promise<z.input<typeof IssuedModelKeyView>> {
  const key = modelKeyText(randomBytes(32));
  const keyHash = await sha256Hex(key);
  return retryLostUpdate(async () => {
    const tenant = await findTenantWithKey(ctx, tenantName);
    if (!tenant) throw refusal("TENANT_NOT_FOUND", "There is no such tenant.");
    const now = ctx.clock.now();
    // The newest of a tenant is the one that lives, also when the clock stood still.
    const issuedAt = Math.max(now, (tenant.key?.issuedAt ?? 0) + 1);
    try {
      await new Plan(ctx)
        .write(revokeLivingKey(ctx, tenantName, now))
        .write(insertKey(ctx, { id: newId("mk", now), tenant: tenantName, tenantBornRevision: tenant.bornRevision, keyHash, issuedAt, createdAt: now, updatedAt: now }))
        .audit(governed({ action: "model_key.issue", kind: "Tenant", key: tenantName, tenant: tenantName, after: { keyAlias: keyAlias(tenantName) } }))
        .commit();
    } catch (error) {
      if (isUniqueViolation(error, "governance_model_keys")) throw new LostUpdateError(error);
      throw error;
    }
    return { ...toModelKeyView({ tenant: tenantName, issuedAt, revokedAt: null }, tenant.monthlyBudgetUsd), key };
  });
}
