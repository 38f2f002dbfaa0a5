import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { machineSkills, readSkills, skillContent } from "../../../durable-objects/instance/skills.core";

describe("skills of a beat", () => {
  it("are names or objects, in either way of writing", () => {
    expect(readSkills(["dig", { name: "hop", description: "Hops.", source: "hub", useCount: 4, confirmed: true, createdAt: "2026-01-01T01:00:00+01:00", digest: "ab", size: 9, content: "# hop" }])).toEqual([
      { name: "dig", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, digest: null, sizeBytes: null, content: null },
      { name: "hop", description: "Hops.", source: "hub", useCount: 4, confirmed: true, createdAt: "2026-01-01T00:00:00.000Z", digest: "ab", sizeBytes: 9, content: "# hop" },
    ]);
    expect(readSkills([{ name: "hop", use_count: 4, created_at: "2026-01-01", size_bytes: 9 }])).toMatchObject([{ useCount: 4, createdAt: "2026-01-01T00:00:00.000Z", sizeBytes: 9 }]);
  });

  it("without a usable name are left out; of two with one name the first stays", () => {
    expect(readSkills([null, 7, [], {}, { name: "" }, { name: 5 }, "", "x".repeat(256)])).toEqual([]);
    expect(readSkills([{ name: "dig", source: "a" }, { name: "dig", source: "b" }])).toMatchObject([{ source: "a" }]);
  });

  it("are read from whatever a plugin wrote", () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), (told) => {
        for (const skill of readSkills(told)) {
          expect(skill.name.length).toBeGreaterThan(0);
          expect(skill.useCount).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe("skills of a machine", () => {
  const bots = {
    b1: { skills: readSkills([{ name: "hop", use_count: 1, created_at: "2027-01-01" }, "dig"]) },
    b2: { skills: readSkills([{ name: "hop", use_count: 2, confirmed: true, created_at: "2026-01-01", description: "Hops.", content: "# höp" }]) },
    b3: { skills: null },
  };

  it("are those of its bots put together, by name", () => {
    expect(machineSkills(bots)).toEqual([
      { name: "dig", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, botIds: ["b1"], digest: null, sizeBytes: null, hasContent: false },
      { name: "hop", description: "Hops.", source: "auto", useCount: 3, confirmed: true, createdAt: "2026-01-01T00:00:00.000Z", botIds: ["b1", "b2"], digest: null, sizeBytes: 6, hasContent: true },
    ]);
  });

  it("give their text when one bot told it", () => {
    expect([skillContent(bots, "hop"), skillContent(bots, "dig"), skillContent(bots, "nothing")]).toEqual(["# höp", null, null]);
  });
});
