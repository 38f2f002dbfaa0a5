import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SchemaBook } from "../../../scripts/openapi/schemas";

describe("schemas of the document", () => {
  it("tell the defaults of switches in a query, though they are read from text", () => {
    const Flag = z.stringbool().meta({ type: "boolean" });
    const query = z.object({ all: Flag.default(true), none: Flag.default(false), maybe: Flag.optional() });
    expect(new SchemaBook().convertInline(query, "input")["properties"]).toEqual({ all: { type: "boolean", default: true }, none: { type: "boolean", default: false }, maybe: { type: "boolean" } });
  });
});
