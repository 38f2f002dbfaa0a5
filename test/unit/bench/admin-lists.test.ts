import { describe, expect, it } from "vitest";
import { findLists, variantsOf } from "../../../bench/admin/lists.mjs";
import { countShown, faultsOf, readTally } from "../../../bench/admin/verdict.mjs";

const rows = { type: "array", items: { type: "object" } };
const parameter = (name: string, schema: object, required = false) => ({ name, in: "query", required, schema });
const get = (schema: object, parameters: object[] = []) => ({ get: { parameters, responses: { "200": { content: { "application/json": { schema } } } } } });
const document = {
  components: { schemas: { Page: { type: "object", properties: { things: rows, total: { type: "integer" }, next_cursor: { type: "string" } } } } },
  paths: {
    "/api/v1/admin/things": get({ $ref: "#/components/schemas/Page" }, [
      parameter("page", { type: "integer" }),
      parameter("limit", { type: "integer", default: 10 }),
      parameter("cursor", { type: "string" }),
      parameter("search", { anyOf: [{ type: "string" }, { type: "null" }] }),
      parameter("state", { type: "string", enum: ["open", "closed"] }),
      parameter("kind", { type: "string" }),
    ]),
    "/api/v1/admin/plain": get(rows),
    "/api/v1/admin/things/{id}": get({ type: "object", properties: { name: { type: "string" }, parts: rows } }),
    "/api/v1/admin/matrix/rooms": get(rows),
    "/api/v1/me/things": get(rows),
  },
};

describe("lists of administrators", () => {
  it("are those whose answer is rows and where they stand", () => {
    expect(findLists(document).map(({ path }) => path)).toEqual(["/api/v1/admin/things", "/api/v1/admin/plain"]);
  });

  it("are asked by every filter, from the begin and from afar", () => {
    const [list] = findLists(document);
    if (!list) throw new Error("no list");
    const samples = { all: { kind: "big" }, paths: {}, hits: { "/api/v1/admin/things": { name: "an" } } };
    const labels = variantsOf(list, samples).map(({ label }) => label);
    expect(labels.filter((label) => !label.includes(","))).toEqual(["all", "search: name", "search: miss", "state=open", "state=closed", "kind"]);
    expect(labels.filter((label) => label.startsWith("kind"))).toEqual(["kind", "kind, middle page", "kind, last page", "kind, deep cursor"]);
  });

  it("may not have a filter that nobody has a sample for", () => {
    const [list] = findLists(document);
    if (!list) throw new Error("no list");
    expect(() => variantsOf(list, { all: {}, paths: {}, hits: { "/api/v1/admin/things": {} } })).toThrow(/kind/);
  });
});

describe("the bar", () => {
  it("counts without the look at who asks", () => {
    expect(readTally("calls=3; statements=4; rows_read=121; sql_ms=0.5")).toEqual({ queries: 2, statements: 3, rowsRead: 120, sqlMs: 0.5 });
    expect(() => readTally(null)).toThrow(/D1_TALLY/);
  });

  it("is two queries, and 200 rows read for every row shown", () => {
    expect(faultsOf({ queries: 2, rowsRead: 2_000 }, 10)).toEqual([]);
    expect(faultsOf({ queries: 3, rowsRead: 2_001 }, 10)).toHaveLength(2);
    expect(faultsOf({ queries: 1, rowsRead: 200 }, 0)).toEqual([]);
    expect(faultsOf({ queries: 1, rowsRead: 201 }, 0)).toHaveLength(1);
  });

  it("counts the rows of every list of an answer", () => {
    expect(countShown([1, 2])).toBe(2);
    expect(countShown({ plans: [1], features: [1, 2], total: 9 })).toBe(3);
    expect(countShown(null)).toBe(0);
  });
});
