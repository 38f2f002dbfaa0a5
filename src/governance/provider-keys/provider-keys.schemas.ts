import { z } from "zod";
import { iso } from "../../kernel/clock";
import { PROVIDERS, type Provider } from "./provider-keys.core";

/** Any name; the verbs know whose keys are kept. */
export const ProviderRef = z.object({ provider: z.string().trim().toLowerCase().min(1).max(64) });

export const SetProviderKeyBody = z.object({ apiKey: z.string().trim().min(1).max(4_096) }).meta({ id: "SetProviderKeyRequest" });

export const ProviderKeyView = z.object({ provider: z.enum(PROVIDERS), configured: z.boolean(), updatedAt: z.iso.datetime().optional() }).meta({ id: "ProviderKey" });
export const ProviderKeyListView = z.array(ProviderKeyView).meta({ id: "ProviderKeyList" });

/** No part of the key comes back. @param updatedAt ms; null: not configured */
export const toProviderKeyView = (provider: Provider, updatedAt: number | null): z.input<typeof ProviderKeyView> => ({ provider, configured: updatedAt !== null, ...(updatedAt === null ? {} : { updatedAt: iso(updatedAt) }) });
