import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { unseal } from "../../kernel/crypto/envelope";
import { providerKeyContext, PROVIDERS, type Provider } from "./provider-keys.core";
import { toProviderKeyView, type ProviderKeyListView } from "./provider-keys.schemas";
import { findSealedProviderKey, listProviderKeyTimes } from "./provider-keys.store";

/** Every provider, configured or not. */
export async function listProviderKeys(ctx: Ctx): Promise<z.input<typeof ProviderKeyListView>> {
  const times = await listProviderKeyTimes(ctx);
  return PROVIDERS.map((provider) => toProviderKeyView(provider, times.get(provider) ?? null));
}

/** A provider's key in the clear, for calling it and for nothing else; null when none is configured. */
export async function openProviderKey(ctx: Ctx, provider: Provider): Promise<string | null> {
  const sealed = await findSealedProviderKey(ctx, provider);
  if (sealed === null) return null;
  const key = await unseal(ctx.config.sealKeys, sealed, providerKeyContext(provider));
  if (key === null) throw new Error(`the key of ${provider} cannot be opened: its sealing key is gone`);
  return key;
}
