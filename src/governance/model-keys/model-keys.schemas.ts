import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { keyAlias, secretName } from "./model-keys.core";
import type { ModelKey } from "./model-keys.store";

export const TenantKeyRef = z.object({ tenantName: z.string().min(1).max(253) });

const keyFields = {
  tenant: z.string(),
  keyAlias: z.string(),
  secretName: z.string(),
  monthlyBudgetUsd: z.number().nullable(),
  issuedAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
};

export const ModelKeyView = z.object(keyFields).meta({ id: "ModelKey" });

/** The only answer with the key itself. */
export const IssuedModelKeyView = z.object({ ...keyFields, key: z.string() }).meta({ id: "IssuedModelKey" });

/** `secretDeleted`: a key that lived ended now. */
export const RevokedModelKeyView = z.object({ name: z.string(), status: z.literal("revoked"), secretDeleted: z.boolean() }).meta({ id: "RevokedModelKey" });

export const toModelKeyView = ({ tenant, issuedAt, revokedAt }: Pick<ModelKey, "tenant" | "issuedAt" | "revokedAt">, monthlyBudgetUsd: number | null): z.input<typeof ModelKeyView> => ({
  tenant,
  keyAlias: keyAlias(tenant),
  secretName: secretName(tenant),
  monthlyBudgetUsd,
  issuedAt: iso(issuedAt),
  revokedAt: isoOrNull(revokedAt),
});
