import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cloudVmTag, vmOfTag } from "../../../src/fleet/vm-provisioning/tag";
import type { KeyRing } from "../../../src/kernel/crypto/key-ring";

const key = (fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(fill);
const ring = (...fills: readonly number[]): KeyRing => ({ activeId: `k${fills[0] ?? 0}`, keys: new Map(fills.map((fill) => [`k${fill}`, key(fill)])) });
const ID = "0b0e7c52-6a3f-4d0e-9d5e-1f2a3b4c5d6e";

describe("a computer's tag", () => {
  it("names its machine, and is short and plain enough for every provider", async () => {
    const tag = await cloudVmTag(ring(1), ID);
    expect(tag).toMatch(/^sett-0b0e7c526a3f4d0e9d5e1f2a3b4c5d6e-[0-9a-f]{16}$/);
    expect(await vmOfTag(ring(1), tag)).toBe(ID);
  });

  it("is the same every time, and read with every key of the ring", async () => {
    const old = await cloudVmTag(ring(1), ID);
    expect(await cloudVmTag(ring(1), ID)).toBe(old);
    expect(await cloudVmTag(ring(2, 1), ID)).not.toBe(old);
    expect(await vmOfTag(ring(2, 1), old)).toBe(ID);
    expect(await vmOfTag(ring(2), old)).toBeNull();
  });

  it("is nobody's when anything about it is another", async () => {
    const tag = await cloudVmTag(ring(1), ID);
    for (const wrong of ["", "sett", ID, `sett-${ID}`, tag.toUpperCase(), ` ${tag}`, `${tag}\n`, `${tag}0`, `x${tag}`, tag.slice(0, -1), tag.replace("sett-", "sett_")]) expect(await vmOfTag(ring(1), wrong), wrong).toBeNull();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 5, max: tag.length - 1 }), fc.constantFrom(..."0123456789abcdef"), async (at, digit) => {
        const changed = tag.slice(0, at) + digit + tag.slice(at + 1);
        expect(await vmOfTag(ring(1), changed)).toBe(changed === tag ? ID : null);
      }),
    );
  });
});
