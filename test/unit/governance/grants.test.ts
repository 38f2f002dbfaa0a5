import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACCESS, allowedScopes, beats, decide, GRANT_SCOPES, PAYLOAD_TYPES, type RankedGrant } from "../../../src/governance/grants/grants.core";

/** Few values of each kind, so that ties are common; every grant has its own place in the order of writing. */
const someGrants = fc
  .array(
    fc.record({
      payloadType: fc.constantFrom(...PAYLOAD_TYPES),
      payloadId: fc.constantFrom("a", "b", "c"),
      access: fc.constantFrom(...ACCESS),
      scope: fc.constantFrom(...GRANT_SCOPES),
      priority: fc.integer({ min: -1, max: 1 }),
      createdAt: fc.integer({ min: 1, max: 2 }),
    }),
    { maxLength: 12 },
  )
  .map((grants): RankedGrant[] => grants.map((one, seq) => ({ ...one, seq })));

const grant = (change: Partial<RankedGrant> = {}): RankedGrant => ({ payloadType: "awareness", payloadId: "a", access: "allow", scope: "org", priority: 0, createdAt: 1, seq: 1, ...change });

describe("compiling grants", () => {
  it("lets priority win over deny, deny over age, age over order, and never the scope", () => {
    const winner = (...grants: RankedGrant[]) => decide(grants).awareness[0];
    expect(winner(grant({ access: "deny", createdAt: 9 }), grant({ priority: 1, scope: "personal" }))).toEqual({ payloadId: "a", access: "allow", scope: "personal" });
    expect(winner(grant({ access: "deny", scope: "project" }), grant({ createdAt: 9 }))).toEqual({ payloadId: "a", access: "deny", scope: "project" });
    expect(winner(grant({ createdAt: 2, scope: "personal" }), grant({ createdAt: 1, seq: 9 }))?.scope).toBe("personal");
    expect(winner(grant({ seq: 1 }), grant({ seq: 2, scope: "department" }))?.scope).toBe("department");
    for (const scope of GRANT_SCOPES) expect(winner(grant({ scope }), grant({ scope: "org", priority: -1 }))?.scope).toBe(scope);
  });

  it("does not depend on the order of reading", () => {
    fc.assert(
      fc.property(
        someGrants.chain((grants) => fc.tuple(fc.constant(grants), fc.shuffledSubarray(grants, { minLength: grants.length }))),
        ([grants, shuffled]) => {
          expect(decide(shuffled)).toEqual(decide(grants));
        },
      ),
    );
  });

  it("answers one decision per payload that is named, in order, and what it says is what the strongest grant says", () => {
    fc.assert(
      fc.property(someGrants, fc.constantFrom(...PAYLOAD_TYPES), (grants, type) => {
        const mine = grants.filter(({ payloadType }) => payloadType === type);
        const decisions = decide(grants)[type];
        expect(decisions.map(({ payloadId }) => payloadId)).toEqual([...new Set(mine.map(({ payloadId }) => payloadId))].sort());
        for (const { payloadId, access, scope } of decisions) {
          const rivals = mine.filter((one) => one.payloadId === payloadId);
          const strongest = rivals.filter(({ priority }) => priority === Math.max(...rivals.map((one) => one.priority)));
          expect(access).toBe(strongest.some((one) => one.access === "deny") ? "deny" : "allow");
          const alike = strongest.filter((one) => one.access === access);
          const newest = alike.filter(({ createdAt }) => createdAt === Math.max(...alike.map((one) => one.createdAt))).at(-1);
          expect(scope).toBe(newest?.scope);
        }
      }),
    );
  });

  it("is never widened by another deny of the highest priority, and never narrowed by another allow of a higher one", () => {
    fc.assert(
      fc.property(someGrants, fc.constantFrom(...PAYLOAD_TYPES), fc.constantFrom("a", "b", "c"), (grants, payloadType, payloadId) => {
        const accessWith = (more: Partial<RankedGrant>) => decide([...grants, grant({ payloadType, payloadId, createdAt: 0, seq: -1, ...more })])[payloadType].find((one) => one.payloadId === payloadId)?.access;
        expect(accessWith({ access: "deny", priority: 1 })).toBe("deny");
        expect(accessWith({ access: "allow", priority: 2 })).toBe("allow");
      }),
    );
  });

  it("leaves payloads alone that a grant does not name", () => {
    fc.assert(
      fc.property(someGrants, (grants) => {
        const more = decide([...grants, grant({ payloadId: "z", priority: 9 })]);
        const before = decide(grants);
        expect(more.awareness.filter(({ payloadId }) => payloadId !== "z")).toEqual(before.awareness);
        expect(more["mcp-server"]).toEqual(before["mcp-server"]);
      }),
    );
  });

  it("puts grants into one order", () => {
    fc.assert(
      fc.property(someGrants, ([a, b, c]) => {
        fc.pre(a !== undefined && b !== undefined);
        expect(beats(a, b)).toBe(!beats(b, a));
        if (c && beats(a, b) && beats(b, c)) expect(beats(a, c)).toBe(true);
      }),
    );
  });

  it("allows nothing without a grant", () => {
    expect(decide([])).toEqual({ awareness: [], "mcp-server": [], "skill-bundle": [] });
    expect([...allowedScopes(decide([grant(), grant({ payloadId: "b", access: "deny" })]).awareness)]).toEqual([["a", "org"]]);
  });
});
