import { toBase64Url } from "../../kernel/crypto/bytes";

/** Tells our keys apart from those of providers. */
export const MODEL_KEY_PREFIX = "sk-sett-";

/** What published clients know a tenant's key by. */
export const keyAlias = (tenant: string): string => `opencrane-${tenant}`;

/** The name that published clients know for where the key lies; we keep its hash only. */
export const secretName = (tenant: string): string => `openclaw-${tenant}-litellm-key`;

/** The text of a key. @param random 32 random bytes */
export const modelKeyText = (random: Uint8Array): string => MODEL_KEY_PREFIX + toBase64Url(random);

/** Whether a key is good for anything: it was not revoked, and its tenant is there (`phase` is null when it is not). */
export const isKeyAlive = ({ revokedAt, phase }: { readonly revokedAt: number | null; readonly phase: string | null }): boolean => revokedAt === null && phase !== null;
