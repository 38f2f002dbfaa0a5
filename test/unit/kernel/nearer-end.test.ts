import { assert, integer, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { fromNearerEnd } from "../../../src/kernel/db/nearer-end";

describe("a page read from the nearer end", () => {
  it("is the page that was asked for, and skips half of the list at most", () => {
    assert(
      property(nat(200), nat(250), integer({ min: 1, max: 50 }), (total, offset, limit) => {
        const list = Array.from({ length: total }, (_, n) => n);
        const read = fromNearerEnd(total, { offset, limit });
        const source = read.reversed ? list.toReversed() : list;
        const page = source.slice(read.offset, read.offset + read.limit);
        expect(read.reversed ? page.toReversed() : page).toEqual(list.slice(offset, offset + limit));
        expect(read.offset).toBeLessThanOrEqual(total / 2);
      }),
    );
  });
});
