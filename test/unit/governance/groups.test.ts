import { describe, expect, it } from "vitest";
import { pickEdited, principalOf, toMemberList } from "../../../src/governance/groups/groups.core";

describe("members of groups", () => {
  it("are trimmed, each there once, in order, whether they are names or objects", () => {
    expect(toMemberList([" zeta ", "alpha", { tenant: "acme" }, { userId: "u-1", name: "Ada" }, "acme", "", { id: " " }])).toEqual(["acme", "alpha", "u-1", "zeta"]);
    expect(toMemberList(toMemberList(["b", "a"]))).toEqual(["a", "b"]);
  });

  it("stand for the tenant first, then the user, the id, the name", () => {
    const all = { tenant: "t", userId: "u", id: "i", name: "n" };
    expect(principalOf(all)).toBe("t");
    expect(principalOf({ ...all, tenant: " " })).toBe("u");
    expect(principalOf({ id: "i", name: "n" })).toBe("i");
    expect(principalOf({ name: "n" })).toBe("n");
    expect(principalOf({})).toBeNull();
  });
});

describe("one list under two names", () => {
  const same = (a: readonly string[], b: readonly string[]) => a.join() === b.join();
  const edited = (first: string[] | undefined, second: string[] | undefined, before: string[] = ["old"]) => pickEdited(first, second, before, same);

  it("is the one that was edited", () => {
    expect(edited(undefined, undefined)).toEqual([]);
    expect(edited(["a"], undefined)).toEqual(["a"]);
    expect(edited(undefined, ["a"])).toEqual(["a"]);
    expect(edited(["a"], ["a"])).toEqual(["a"]);
    expect(edited(["a"], ["old"])).toEqual(["a"]);
    expect(edited(["old"], ["a"])).toEqual(["a"]);
    expect(edited([], ["old"])).toEqual([]);
    expect(edited(["a"], ["b"])).toBe("contradiction");
  });
});
