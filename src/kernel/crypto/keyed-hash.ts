import { toHex, utf8 } from "./bytes";

/**
 * HMAC-SHA-256, lower-case hexadecimal: for values of little entropy (codes, names people typed), which a plain hash would not hide
 * from whoever reads the database. `text` starts with what it is for, so that no hash serves another purpose.
 */
export async function keyedHash(secret: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(text))));
}
