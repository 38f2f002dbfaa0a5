import { toBase64Url } from "../../kernel/crypto/bytes";

/** Tells our keys apart from those of providers. */
export const MODEL_KEY_PREFIX = "sk-sett-";

/** What published clients know a tenant's key by. */
export const keyAlias = (tenant: string): string => `opencrane-${tenant}`;

/** The name that published clients know for where the key lies; we keep its hash only. */
export const secretName = (tenant: string): string => `openclaw-${tenant}-litellm-key`;

/** The text of a key. @param random 32 random bytes */
export const modelKeyText = (random: Uint8Array): string => MODEL_KEY_PREFIX + toBase64Url(random);

/** Why a key of this tenant may not be used now; null when it may. */
export function refuseKey(found: { readonly revokedAt: number | null; readonly phase: string | null } | null): "unknown" | "revoked" | "suspended" | null {
  if (!found || found.phase === null) return "unknown";
  if (found.revokedAt !== null) return "revoked";
  return found.phase === "Suspended" ? "suspended" : null;
}
