import type { Family } from "../../src/kernel/family";
import type { JsonSchema } from "./schemas";

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: "Invalid input",
  401: "No credential, or one that is wrong, expired or revoked",
  403: "The credential may not do this",
  402: "A payment is needed",
  404: "Not there, or somebody else's",
  409: "Conflicts with the present state",
  410: "Over, or never was",
  411: "The length must be told",
  413: "The body is too large",
  415: "A type that is not taken",
  422: "Invalid input",
  429: "Too many requests; wait for Retry-After seconds",
  502: "An outside system failed",
  504: "An outside system took too long",
  503: "Unable to serve just now; try again",
};

/** The answer of one error status. */
export function errorResponse(family: Family, status: number): JsonSchema {
  const schema = family.wire.errorSchemaOf(status);
  return {
    description: DESCRIPTIONS[status],
    ...(status === 429 || status === 503 ? { headers: { "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } } } } : {}),
    content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}
