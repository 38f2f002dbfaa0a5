import { describe, expect, it } from "vitest";
import { addCounts, isRefreshDue, matrixStatusOf, verdictOn } from "../../../src/fleet/admin-jobs/admin-jobs.core";

const MINUTE = 60_000;

describe("jobs", () => {
  it("name what the homeserver says of an account", () => {
    expect([null, { deactivated: true, erased: true }, { deactivated: true, erased: false }, { deactivated: true, erased: null }, { deactivated: false, erased: null }].map(matrixStatusOf)).toEqual(["missing", "erased", "deactivated", "deactivated", "active"]);
  });

  it("count what a step saw on top of what is known, and leave that alone", () => {
    const known = { active: 2 };
    expect(addCounts(known, ["active", "missing", "active"])).toEqual({ active: 4, missing: 1 });
    expect(known).toEqual({ active: 2 });
  });

  it("are left while they get on, woken after a silence, and given up after five wakings", () => {
    expect(verdictOn({ progressAt: 0, attempts: 0 }, 2 * MINUTE - 1)).toBe("leave");
    expect([0, 4].map((attempts) => verdictOn({ progressAt: 0, attempts }, 2 * MINUTE))).toEqual(["wake", "wake"]);
    expect(verdictOn({ progressAt: 0, attempts: 5 }, 2 * MINUTE)).toBe("fail");
    expect(verdictOn({ progressAt: 0, attempts: 5 }, MINUTE)).toBe("leave");
  });

  it("are begun by the schedule once a day", () => {
    expect([isRefreshDue(null, 0), isRefreshDue(0, 24 * 60 * MINUTE - 1), isRefreshDue(0, 24 * 60 * MINUTE)]).toEqual([true, false, true]);
  });
});
