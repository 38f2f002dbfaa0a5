import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLI_TOKEN_PREFIX, mintCliToken, SHOWN_PREFIX_CHARS, verifyCliToken } from "../../../src/kernel/auth/cli-token";
import { fromBase64Url, toBase64Url } from "../../../src/kernel/crypto/bytes";
import { parseKeyRing, type KeyRing } from "../../../src/kernel/crypto/key-ring";

function ring(...ids: string[]): KeyRing {
  const parsed = parseKeyRing(ids.map((id) => `${id}:${toBase64Url(new Uint8Array(32).fill(id.charCodeAt(id.length - 1)))}`).join(","), 32);
  if (!parsed) throw new Error("a test ring does not parse");
  return parsed;
}

const KEYS = ring("k1");
const NOW = Date.UTC(2026, 10, 21);
const facts = fc.record({
  tokenId: fc.uuid(),
  userId: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  expiresAt: fc.option(fc.integer({ min: NOW / 1_000 + 1, max: 2 ** 40 - 1 }).map((seconds) => seconds * 1_000)),
});

describe("CLI tokens", () => {
  it("carry their facts there and back", async () => {
    await fc.assert(
      fc.asyncProperty(facts, async (wanted) => {
        const token = await mintCliToken(KEYS, wanted);
        expect(await verifyCliToken(KEYS, token, NOW)).toEqual({ ok: true, facts: wanted });
      }),
    );
  });

  it("die of any changed character", async () => {
    const token = await mintCliToken(KEYS, { tokenId: crypto.randomUUID(), userId: 7, expiresAt: null });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: token.length - 1 }), fc.constantFrom(..."AZaz09-_.k "), async (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        const verdict = await verifyCliToken(KEYS, changed, NOW);
        // The last payload character holds two unused bits: texts that differ only there are the same bytes.
        if (verdict.ok) expect(bytesOf(changed)).toEqual(bytesOf(token));
        else expect(verdict.reason).toBe("invalid");
      }),
      { numRuns: 500 },
    );
  });

  it("survive no arbitrary text and throw at none", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), fc.boolean(), async (text, prefixed) => {
        expect(await verifyCliToken(KEYS, prefixed ? CLI_TOKEN_PREFIX + text : text, NOW)).toEqual({ ok: false, reason: "invalid" });
      }),
    );
  });

  it("expire to the second, and only then", async () => {
    const token = await mintCliToken(KEYS, { tokenId: crypto.randomUUID(), userId: 1, expiresAt: NOW });
    expect((await verifyCliToken(KEYS, token, NOW - 1)).ok).toBe(true);
    expect(await verifyCliToken(KEYS, token, NOW)).toEqual({ ok: false, reason: "expired" });
  });

  it("outlive a rotation of keys until their key leaves the ring", async () => {
    const token = await mintCliToken(KEYS, { tokenId: crypto.randomUUID(), userId: 1, expiresAt: null });
    expect((await verifyCliToken(ring("k2", "k1"), token, NOW)).ok).toBe(true);
    expect((await verifyCliToken(ring("k2"), token, NOW)).ok).toBe(false);
    expect((await mintCliToken(ring("k2", "k1"), { tokenId: crypto.randomUUID(), userId: 1, expiresAt: null })).split(".")[1]).toBe("k2");
  });

  it("differ when minted twice and show none of their secret", async () => {
    const same = { tokenId: crypto.randomUUID(), userId: 1, expiresAt: null };
    const [one, two] = [await mintCliToken(KEYS, same), await mintCliToken(KEYS, same)];
    expect(one).not.toBe(two);
    expect(one.slice(0, SHOWN_PREFIX_CHARS)).toBe(two.slice(0, SHOWN_PREFIX_CHARS));
  });

  it("need a UUID", async () => {
    await expect(mintCliToken(KEYS, { tokenId: "7", userId: 1, expiresAt: null })).rejects.toThrow("UUID");
  });
});

function bytesOf(token: string): unknown[] {
  const [payload = "", keyId, mac = ""] = token.slice(CLI_TOKEN_PREFIX.length).split(".");
  return [fromBase64Url(payload), keyId, fromBase64Url(mac)];
}
