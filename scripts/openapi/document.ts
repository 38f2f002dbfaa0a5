import type { Operation } from "../../src/kernel/operation";
import type { Family } from "../../src/kernel/family";
import { errorResponse } from "./errors";
import { SchemaBook, type JsonSchema } from "./schemas";

type Spec = Operation["spec"];

/** Builds the document of one family. The same operations always give the same text. */
export function buildDocument(family: Family, version: string, operations: readonly Operation[]): { document: JsonSchema; faults: string[] } {
  const book = new SchemaBook();
  const faults: string[] = [];
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const seen = new Set<string>();
  const sorted = [...operations].map(({ spec }) => spec).sort((a, b) => (a.path === b.path ? (a.method < b.method ? -1 : 1) : a.path < b.path ? -1 : 1));
  for (const spec of sorted) {
    if (seen.has(spec.id)) faults.push(`two operations are called ${spec.id}`);
    if (paths[spec.path]?.[spec.method]) faults.push(`two operations serve ${spec.method.toUpperCase()} ${spec.path}`);
    if (!(spec.tag in family.tags)) faults.push(`${spec.id}: tag "${spec.tag}" has no description among those of ${family.name}`);
    seen.add(spec.id);
    paths[spec.path] = { ...paths[spec.path], [spec.method]: describeOperation(spec, family, book, faults) };
  }
  const { documentPath, documentTag } = family;
  if (documentTag !== undefined) {
    const responses = { 200: { description: "An OpenAPI document", content: { "application/json": { schema: { type: "object", additionalProperties: true } } } } };
    paths[documentPath] = { get: { operationId: `${family.name}.meta.document`, tags: [documentTag], summary: "This document", security: [], responses } };
  }
  const settled = book.finish(paths);
  const used = new Set([...sorted.map(({ tag }) => tag), ...(documentTag === undefined ? [] : [documentTag])]);
  const document = {
    openapi: "3.1.0",
    info: { title: family.title, version, license: { name: "Apache-2.0", identifier: "Apache-2.0" }, description: "An open edge control plane for fleets of AI agents." },
    servers: [{ url: "/" }],
    tags: [...used].sort().map((name) => ({ name, ...(family.tags[name] === undefined ? {} : { description: family.tags[name] }) })),
    paths: settled.document,
    components: {
      securitySchemes: { HTTPBearer: { type: "http", scheme: "bearer", description: "A person's access token or a CLI token; `x-sett.auth` of an operation says which it takes." } },
      schemas: sortKeys({ ...settled.components, ...family.wire.errorSchemas }),
    },
  };
  return { document, faults };
}

function describeOperation(spec: Spec, family: Family, book: SchemaBook, faults: string[]): JsonSchema {
  const parameters = [...listParameters(spec, "path", book, faults), ...listParameters(spec, "query", book, faults)];
  if (spec.idempotent) {
    parameters.push({ name: "Idempotency-Key", in: "header", required: false, description: "A repeat with the same key gets the first answer.", schema: { type: "string", maxLength: 255 } });
  }
  const open = spec.auth.includes("none");
  return {
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    security: open ? [] : [{ HTTPBearer: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(spec.body ? { requestBody: { required: !spec.bodyOptional, content: { "application/json": { schema: book.convert(spec.body, "input") } } } } : {}),
    responses: { ...describeSuccess(spec, book), ...describeOthers(spec, book), ...Object.fromEntries(errorStatuses(spec, family).map((status) => [status, errorResponse(family, status)])) },
    "x-sett": { limit: spec.limit, auth: spec.auth },
  };
}

function listParameters(spec: Spec, place: "path" | "query", book: SchemaBook, faults: string[]): JsonSchema[] {
  const schema = place === "path" ? spec.params : spec.query;
  const inPath = [...spec.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  const object = schema ? (book.convertInline(schema, "input") as { properties?: Record<string, JsonSchema>; required?: string[] }) : {};
  const names = Object.keys(object.properties ?? {});
  if (place === "path" && [...names].sort().join() !== [...inPath].sort().join()) faults.push(`${spec.id}: the path names {${inPath.join()}} but params has {${names.join()}}`);
  return (place === "path" ? inPath : names).flatMap((name) => {
    const property = object.properties?.[name];
    if (!property) return [];
    const { description, ...rest } = property;
    return [{ name, in: place, required: place === "path" || object.required?.includes(name) === true, ...(description === undefined ? {} : { description }), schema: rest }];
  });
}

function describeSuccess(spec: Spec, book: SchemaBook): JsonSchema {
  const status = spec.status ?? 200;
  if (status === 204) return { 204: { description: "Done" } };
  if (status === 302) return { 302: { description: "Sends the browser elsewhere" } };
  const type = spec.produces ?? "application/json";
  const schema = spec.output ? book.convert(spec.output, "output") : spec.produces ? { type: "string" } : {};
  return { [status]: { description: spec.summary, content: { [type]: { schema } } } };
}

function describeOthers(spec: Spec, book: SchemaBook): JsonSchema {
  const described = Object.entries(spec.otherwise ?? {}).map(([status, schema]) => [status, { description: status === "302" ? "Sends the browser elsewhere" : "Not ready yet", ...(schema ? { content: { "application/json": { schema: book.convert(schema, "output") } } } : {}) }]);
  return Object.fromEntries(described) as JsonSchema;
}

function errorStatuses(spec: Spec, family: Family): number[] {
  const locked = !spec.auth.includes("none");
  const takesInput = Boolean(spec.params ?? spec.query ?? spec.body);
  const derived = [...(locked ? [401, 403] : []), ...(spec.params ? [404] : []), ...(spec.idempotent ? [409] : []), ...(spec.body ? [413] : []), ...(takesInput ? [family.wire.invalidStatus] : []), 429, 503];
  return [...new Set([...derived, ...(spec.errors ?? [])])].sort((a, b) => a - b);
}

function sortKeys<V>(record: Record<string, V>): Record<string, V> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
