import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { isProvider } from "./provider-keys.core";
import type { ProviderRef } from "./provider-keys.schemas";
import { deleteProviderKeyRow } from "./provider-keys.store";

/** Forgets a provider's key. @throws AppError PROVIDER_KEY_NOT_FOUND */
export async function deleteProviderKey(ctx: Ctx, { provider }: z.output<typeof ProviderRef>): Promise<void> {
  if (!isProvider(provider)) throw refusal("PROVIDER_KEY_NOT_FOUND", "There is no key of this provider.");
  try {
    await new Plan(ctx)
      .guarded(deleteProviderKeyRow(ctx, provider))
      .audit(governed({ action: "provider_key.delete", kind: "ProviderKey", key: provider }))
      .commit();
  } catch (error) {
    if (error instanceof LostUpdateError) throw refusal("PROVIDER_KEY_NOT_FOUND", "There is no key of this provider.");
    throw error;
  }
}
