import { createCipheriv, createHmac } from "node:crypto";

/** What rows hold instead of secrets, made as the Worker makes it: src/kernel/crypto/{envelope,keyed-hash}.ts and src/fleet/vm-provisioning/tag.ts. */

/** The active key of `id:base64url,id:base64url`. @param {string} ring */
function activeKey(ring) {
  const [id = "", encoded = ""] = (ring.split(",")[0] ?? "").split(":");
  return { id, bytes: Buffer.from(encoded, "base64url") };
}

/**
 * @param {{ sealKeys: string, tokenKeys: string, pepper: Buffer }} keys
 * @param {import("./random.mjs").Random} random
 */
export function createSealer({ sealKeys, tokenKeys, pepper }, random) {
  const sealing = activeKey(sealKeys);
  const signing = activeKey(tokenKeys);
  /** @param {Buffer} key @param {string} text */
  const keyedHash = (key, text) => createHmac("sha256", key).update(text).digest("hex");
  return {
    /** Id of the key that tokens are signed with. */
    tokenKeyId: signing.id,
    /** @param {string} plaintext @param {string} context */
    seal(plaintext, context) {
      const iv = random.bytes(12);
      const cipher = createCipheriv("aes-256-gcm", sealing.bytes.subarray(0, 32), iv);
      cipher.setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return ["v1", sealing.id, iv.toString("base64url"), sealed.toString("base64url")].join(".");
    },
    /** @param {string} code with its dashes */
    hashPairCode: (code) => keyedHash(pepper, `pair-code:${code}`),
    /** @param {string} vmId */
    vmTag: (vmId) => `sett-${vmId.replaceAll("-", "")}-${keyedHash(signing.bytes, `cloud-vm-tag:${vmId}`).slice(0, 16)}`,
  };
}
