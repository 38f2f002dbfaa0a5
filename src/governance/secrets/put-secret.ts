import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { seal } from "../../kernel/crypto/envelope";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { secretSealContext } from "./secrets.core";
import { toSecretView, type ChangedSecretView, type PutSecretBody, type SecretRef } from "./secrets.schemas";
import { findSecretTimes, insertSecret, updateSecretRow } from "./secrets.store";

/** Keeps a value under a name, whatever was there. It is sealed, and no answer holds it. */
export async function putSecret(ctx: Ctx, { name }: z.output<typeof SecretRef>, { value }: z.output<typeof PutSecretBody>): Promise<z.input<typeof ChangedSecretView>> {
  const sealedValue = await seal(ctx.config.sealKeys, value, secretSealContext(name));
  return retryLostUpdate(async () => {
    const found = await findSecretTimes(ctx, name);
    const now = ctx.clock.now();
    const plan = new Plan(ctx);
    if (found) plan.guarded(updateSecretRow(ctx, found, { sealedValue, updatedAt: now }));
    else plan.write(insertSecret(ctx, { name, sealedValue, createdAt: now, updatedAt: now }));
    plan.audit(governed({ action: "secret.put", kind: "Secret", key: name, message: found ? "replaced" : "created" }));
    try {
      await plan.commit();
    } catch (error) {
      // Somebody else made it in between: then ours replaces it.
      if (isUniqueViolation(error, "governance_secrets.name")) throw new LostUpdateError(error);
      throw error;
    }
    return { ...toSecretView({ name, createdAt: found?.createdAt ?? now, updatedAt: now }), status: found ? ("updated" as const) : ("created" as const) };
  });
}
