import type { Operation } from "../../src/kernel/operation";
import { errorResponse, errorSchemas } from "./errors";
import { SchemaBook, type JsonSchema } from "./schemas";

type Spec = Operation["spec"];

/** What each tag is about; an operation with an unknown tag fails the check. */
const TAGS: Readonly<Record<string, string>> = {
  health: "Whether the service and its parts answer, and the public signing keys.",
  auth: "Sign-in to systems beside ours.",
  user: "Accounts, sign-in and sessions of the person who calls.",
  "cli-access-tokens": "Tokens of CLIs and daemons: mint, rotate, unbind, revoke.",
  openclaw: "Machines join: registration, sign-in of their CLI through the browser, streams.",
  pairing: "Codes that put a bot on a machine, and repair of a pairing that broke.",
  dashboard: "The fleet as its owner sees it: machines, commands, versions.",
  bots: "Names on a Matrix homeserver that a machine answers in, and their rooms.",
  "bot-shares": "Other people who may talk to a bot.",
  hermes: "Bots that run on Hermes: their container, and what its first start brings.",
  "bot-dashboard": "Numbers of a person's bots.",
  upload: "Verification documents: signed addresses to upload, read and remove them.",
  push: "Devices that may be notified, and the Matrix push gateway in front of the real one.",
  notifications: "What was sent to a person's devices, and a trial of it.",
  version: "Releases of the apps, and whether a running one must update.",
  support: "Reports of people, and their handling by administrators.",
  downgrade: "A plan goes down: what stays is chosen, in time or by us.",
  upgrade: "A plan goes up again: what comes back is chosen.",
  subscription: "Plans, what they cost, and who pays for them.",
  capabilities: "What the caller's plan allows.",
  usage: "What the caller uses of their plan.",
  trial: "Trials: how long one lasts, and whether a device had one.",
  assistant: "Questions about the product, answered by a language model.",
  matrix: "The homeserver behind the product, for superadministrators: its accounts, rooms and state.",
  "featured-rooms": "Public rooms that newcomers are shown.",
  admin: "What administrators set for everybody.",
  ops: "Seeing what is wrong, for administrators: work in the background, objects, keys, switches, and who did what.",
  development: "Helpers of a local server; absent elsewhere.",
};

/** Builds the document of one family. The same operations always give the same text. */
export function buildDocument(title: string, version: string, operations: readonly Operation[]): { document: JsonSchema; faults: string[] } {
  const book = new SchemaBook();
  const faults: string[] = [];
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const seen = new Set<string>();
  const sorted = [...operations].map(({ spec }) => spec).sort((a, b) => (a.path === b.path ? (a.method < b.method ? -1 : 1) : a.path < b.path ? -1 : 1));
  for (const spec of sorted) {
    if (seen.has(spec.id)) faults.push(`two operations are called ${spec.id}`);
    if (paths[spec.path]?.[spec.method]) faults.push(`two operations serve ${spec.method.toUpperCase()} ${spec.path}`);
    if (!(spec.tag in TAGS)) faults.push(`${spec.id}: tag "${spec.tag}" has no description in scripts/openapi/document.ts`);
    seen.add(spec.id);
    paths[spec.path] = { ...paths[spec.path], [spec.method]: describeOperation(spec, book, faults) };
  }
  const settled = book.finish(paths);
  const used = new Set(sorted.map(({ tag }) => tag));
  const document = {
    openapi: "3.1.0",
    info: { title, version, license: { name: "Apache-2.0", identifier: "Apache-2.0" }, description: "An open edge control plane for fleets of AI agents." },
    servers: [{ url: "/" }],
    tags: [...used].sort().map((name) => ({ name, ...(TAGS[name] === undefined ? {} : { description: TAGS[name] }) })),
    paths: settled.document,
    components: {
      securitySchemes: { HTTPBearer: { type: "http", scheme: "bearer", description: "A person's access token or a CLI token; `x-sett.auth` of an operation says which it takes." } },
      schemas: sortKeys({ ...settled.components, ...errorSchemas }),
    },
  };
  return { document, faults };
}

function describeOperation(spec: Spec, book: SchemaBook, faults: string[]): JsonSchema {
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
    responses: { ...describeSuccess(spec, book), ...Object.fromEntries(errorStatuses(spec).map((status) => [status, errorResponse(status)])) },
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
  const type = spec.produces ?? "application/json";
  const schema = spec.output ? book.convert(spec.output, "output") : spec.produces ? { type: "string" } : {};
  return { [status]: { description: spec.summary, content: { [type]: { schema } } } };
}

function errorStatuses(spec: Spec): number[] {
  const locked = !spec.auth.includes("none");
  const takesInput = Boolean(spec.params ?? spec.query ?? spec.body);
  return [...(locked ? [401, 403] : []), ...(spec.params ? [404] : []), ...(spec.idempotent ? [409] : []), ...(spec.body ? [413] : []), ...(takesInput ? [422] : []), 429, 503];
}

function sortKeys<V>(record: Record<string, V>): Record<string, V> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
