import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64Url, fromHex, sha256Hex, timingSafeEqual, toBase64Url, toHex } from "../../../src/kernel/crypto/bytes";
import { seal, unseal } from "../../../src/kernel/crypto/envelope";
import { parseKeyRing, type KeyRing } from "../../../src/kernel/crypto/key-ring";

const key = (fill: number) => toBase64Url(new Uint8Array(32).fill(fill));

function ringOf(text: string): KeyRing {
  const ring = parseKeyRing(text, 32);
  if (!ring) throw new Error(`the ring does not parse: ${text}`);
  return ring;
}

describe("key rings", () => {
  it("seal with the first key and know them all", () => {
    const ring = ringOf(`new:${key(2)}, old:${key(1)}`);
    expect(ring.activeId).toBe("new");
    expect([...ring.keys.keys()]).toEqual(["new", "old"]);
    expect(ring.keys.get("old")).toEqual(new Uint8Array(32).fill(1));
  });

  it.each([
    ["nothing", ""],
    ["an entry without id", `:${key(1)}`],
    ["an entry without key", "a:"],
    ["a repeated id", `a:${key(1)},a:${key(2)}`],
    ["a short key", `a:${toBase64Url(new Uint8Array(31))}`],
    ["text that is no base64url", "a:%%%%"],
    ["a trailing comma", `a:${key(1)},`],
    ["an id with a dot, which would break tokens", `a.b:${key(1)}`],
    ["a third part", `a:${key(1)}:x`],
  ])("refuse %s", (_what, text) => {
    expect(parseKeyRing(text, 32)).toBeNull();
  });
});

describe("envelopes", () => {
  const ring = ringOf(`a:${key(1)}`);

  it("open to what was sealed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.string(), async (text, context) => {
        const sealed = await seal(ring, text, context);
        expect(sealed).toMatch(/^v1\.a\.[\w-]+\.[\w-]+$/);
        expect(await unseal(ring, sealed, context)).toBe(text);
      }),
    );
  });

  it("do not open elsewhere, under another key, or changed", async () => {
    const sealed = await seal(ring, "secret", "row:1");
    expect(await unseal(ring, sealed, "row:2")).toBeNull();
    expect(await unseal(ringOf(`a:${key(2)}`), sealed, "row:1")).toBeNull();
    expect(await unseal(ringOf(`b:${key(1)}`), sealed, "row:1")).toBeNull();
    expect(await unseal(ring, sealed.replace("v1", "v2"), "row:1")).toBeNull();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: sealed.lastIndexOf(".") + 1, max: sealed.length - 2 }), async (at) => {
        const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
        expect(await unseal(ring, changed, "row:1")).toBeNull();
      }),
    );
  });

  it("survive arbitrary text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        expect(await unseal(ring, text, "row:1")).toBeNull();
      }),
    );
  });

  it("open after a rotation", async () => {
    const sealed = await seal(ring, "secret", "row:1");
    const rotated = ringOf(`b:${key(2)},a:${key(1)}`);
    expect(await unseal(rotated, sealed, "row:1")).toBe("secret");
    expect((await seal(rotated, "secret", "row:1")).split(".")[1]).toBe("b");
  });

  it("hide equal texts from each other", async () => {
    expect(await seal(ring, "same", "row:1")).not.toBe(await seal(ring, "same", "row:1"));
  });
});

describe("bytes", () => {
  it("go to text and back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(new Uint8Array(bytes));
        expect(fromHex(toHex(bytes))).toEqual(new Uint8Array(bytes));
        expect(toBase64Url(bytes)).toMatch(/^[\w-]*$/);
      }),
    );
  });

  it("are null for text that is none", () => {
    expect(fromHex("abc")).toBeNull();
    expect(fromHex("zz")).toBeNull();
    expect(fromBase64Url("*")).toBeNull();
  });

  it("compare like equality", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(timingSafeEqual(a, a.slice())).toBe(true);
        expect(timingSafeEqual(a, b)).toBe(toHex(a) === toHex(b));
      }),
    );
  });

  it("hash like everybody else", async () => {
    expect(await sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
