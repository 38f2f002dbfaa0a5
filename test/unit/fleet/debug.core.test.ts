import { describe, expect, it } from "vitest";
import { readSecretStorage } from "../../../src/fleet/debug/debug.core";

const sealed = { encrypted: { k1: { ciphertext: "SECRET", iv: "SECRET", mac: "SECRET" } } };
const whole = {
  "m.secret_storage.default_key": { key: "k1" },
  "m.secret_storage.key.k1": { algorithm: "m.secret_storage.v1.aes-hmac-sha2", iv: "SECRET" },
  "m.cross_signing.master": sealed,
  "m.cross_signing.self_signing": sealed,
  "m.cross_signing.user_signing": sealed,
  "m.megolm_backup.v1": sealed,
};

describe("secret storage of an account", () => {
  it("is complete with a described key and everything under it, wherever the homeserver puts it", () => {
    const read = readSecretStorage(whole);
    expect(read).toMatchObject({ has_default_key: true, default_key_described: true, key_count: 1, has_backup_key: true, complete: true });
    expect(readSecretStorage({ global: whole, rooms: {} })).toEqual(read);
    expect(JSON.stringify(read)).not.toContain("SECRET");
  });

  it.each(Object.keys(whole))("is not complete without %s", (type) => {
    const { [type]: _left, ...rest } = whole as Record<string, unknown>;
    expect(readSecretStorage(rest).complete).toBe(false);
    expect(readSecretStorage({ ...whole, [type]: {} }).complete).toBe(type === "m.secret_storage.key.k1");
  });

  it("is empty for an account without any data, or with nonsense", () => {
    for (const data of [{}, { global: {} }, { "m.secret_storage.default_key": 7, "m.cross_signing.master": "x", "m.megolm_backup.v1": { encrypted: [] } }]) expect(readSecretStorage(data)).toMatchObject({ has_default_key: false, has_backup_key: false, complete: false });
  });
});
