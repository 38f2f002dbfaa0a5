import { timingSafeEqual, utf8 } from "../../kernel/crypto/bytes";
import { keyedHash } from "../../kernel/crypto/keyed-hash";
import type { KeyRing } from "../../kernel/crypto/key-ring";

/** Hexadecimal digits of a tag's signature: 64 bits, which nobody who can only name computers will guess. */
const SIGNATURE_DIGITS = 16;

const TAG = /^sett-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})-([0-9a-f]{16})$/;

const signatureOf = async (key: Uint8Array<ArrayBuffer>, vmId: string): Promise<string> => (await keyedHash(key, `cloud-vm-tag:${vmId}`)).slice(0, SIGNATURE_DIGITS);

/** The name that a machine's computer bears at the provider: `sett-<id without dashes>-<signature>`, made with the ring's active key. @param vmId a lower-case UUID */
export async function cloudVmTag(keys: KeyRing, vmId: string): Promise<string> {
  const key = keys.keys.get(keys.activeId);
  if (!key) throw new Error("the active token key is missing from its ring");
  return `sett-${vmId.replaceAll("-", "")}-${await signatureOf(key, vmId)}`;
}

/**
 * The machine that a computer's name says it is; null unless one of the ring's keys signed it. Names that only look like ours, another
 * server's among them, are nobody's.
 */
export async function vmOfTag(keys: KeyRing, tag: string): Promise<string | null> {
  const [, a, b, c, d, e, signature] = TAG.exec(tag) ?? [];
  if (signature === undefined) return null;
  const vmId = [a, b, c, d, e].join("-");
  const matches = await Promise.all([...keys.keys.values()].map(async (key) => timingSafeEqual(utf8(await signatureOf(key, vmId)), utf8(signature))));
  return matches.includes(true) ? vmId : null;
}
