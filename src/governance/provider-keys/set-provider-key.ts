import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { seal } from "../../kernel/crypto/envelope";
import { Plan } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { isProvider, providerKeyContext, PROVIDERS } from "./provider-keys.core";
import { toProviderKeyView, type ProviderKeyView, type ProviderRef, type SetProviderKeyBody } from "./provider-keys.schemas";
import { upsertProviderKey } from "./provider-keys.store";

/** Keeps a provider's key, sealed, in place of the one before. @throws AppError VALIDATION_ERROR for a provider whose keys nobody keeps */
export async function setProviderKey(ctx: Ctx, { provider, apiKey }: z.output<typeof ProviderRef> & z.output<typeof SetProviderKeyBody>): Promise<z.input<typeof ProviderKeyView>> {
  if (!isProvider(provider)) throw invalidField(["path", "provider"], `Should be ${PROVIDERS.join(" or ")}`);
  const sealed = await seal(ctx.config.sealKeys, apiKey, providerKeyContext(provider));
  const now = ctx.clock.now();
  await new Plan(ctx)
    .write(upsertProviderKey(ctx, provider, sealed, now))
    .audit(governed({ action: "provider_key.set", kind: "ProviderKey", key: provider }))
    .commit();
  return toProviderKeyView(provider, now);
}
