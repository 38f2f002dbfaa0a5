/** Which operations are lists of administrators, and in how many ways each is asked. Found from the API document. */

/** @typedef {{ name: string, required: boolean, schema: any }} Parameter */
/** @typedef {{ path: string, params: readonly Parameter[], query: readonly Parameter[] }} List */
/** A way to ask: `deep` is by what a page far from the begin is found, `at` where in the list (1: its end). @typedef {{ label: string, path: string, query: Record<string, string>, filters: Record<string, string>, deep: "page" | "offset" | "cursor" | null, at?: number }} Variant */
/** Values to ask with, by parameter; what a path says wins over what holds for all. @typedef {{ all: Record<string, string>, paths: Record<string, Record<string, string>>, hits: Record<string, Record<string, string>> }} Samples */

/** Fields beside the rows that say where a page stands. */
const STANDING = new Set(["total", "total_is_exact", "page", "limit", "per_page", "offset", "count", "next", "next_cursor", "period", "scheduler"]);
const PAGING = new Set(["page", "limit", "per_page", "offset", "cursor", "after"]);
/** A cursor, and what over-capacity calls one. */
const CURSORS = ["cursor", "after"];
/** Filters that go with another. @type {Record<string, string>} */
const REFINES = { actor_type: "actor_id", subject_type: "subject_id" };
/** Not asked of D1: the homeserver's lists. */
const ELSEWHERE = /^\/api\/v1\/admin\/(matrix\/|users\/\{user_id\}\/matrix-devices)/;
const MISS = "zzz-no-such-thing";

/** @param {any} document OpenAPI @returns {List[]} */
export function findLists(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) => {
    const operation = /** @type {any} */ (methods).get;
    if (!operation || !path.startsWith("/api/v1/admin/") || ELSEWHERE.test(path)) return [];
    const answer = resolve(document, operation.responses["200"]?.content?.["application/json"]?.schema);
    if (!isList(document, answer)) return [];
    const parameters = /** @type {any[]} */ (operation.parameters ?? []).map(({ name, required, schema, in: where }) => ({ name, required: required === true, schema: resolve(document, schema), where }));
    return [{ path, params: parameters.filter(({ where }) => where === "path"), query: parameters.filter(({ where }) => where === "query") }];
  });
}

/** Rows, and nothing but where they stand. @param {any} document @param {any} schema */
function isList(document, schema) {
  if (schema?.type === "array") return true;
  const fields = Object.entries(schema?.properties ?? {}).map(([name, field]) => ({ name, isArray: resolve(document, field)?.type === "array" }));
  return fields.some(({ isArray }) => isArray) && fields.every(({ name, isArray }) => isArray || STANDING.has(name));
}

/** @param {any} document @param {any} schema @returns {any} what a reference or "this or null" stands for */
function resolve(document, schema) {
  if (schema?.$ref) return resolve(document, document.components.schemas[schema.$ref.split("/").at(-1)]);
  const choices = schema?.anyOf?.filter((/** @type {any} */ choice) => choice.type !== "null");
  return choices?.length === 1 ? resolve(document, choices[0]) : schema;
}

/**
 * Every way in which a list is asked: as it is, by every filter, by searches that find something and by one that finds nothing; each from the
 * begin and far from it: where lists are read by offset, the middle is the dearest.
 * @param {List} list @param {Samples} samples @returns {Variant[]}
 * @throws when a filter has no sample
 */
export function variantsOf(list, samples) {
  const own = { ...samples.all, ...samples.paths[list.path] };
  const value = (/** @type {string} */ name) => {
    const found = own[name];
    if (found === undefined) throw new Error(`${list.path}: nothing to ask for "${name}" with; add a sample in bench/admin/samples.mjs`);
    return found;
  };
  const names = new Set(list.query.map(({ name }) => name));
  const path = list.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(value(name)));
  const turns = names.has("page") ? /** @type {const} */ ("page") : names.has("offset") ? /** @type {const} */ ("offset") : null;
  const forced = Object.fromEntries(list.query.filter(({ required }) => required).map(({ name }) => [name, value(name)]));

  /** @type {{ label: string, filters: Record<string, string> }[]} */
  const ways = [{ label: "all", filters: {} }];
  for (const { name, schema, required } of list.query) {
    if (PAGING.has(name) || required) continue;
    if (name === "search") {
      for (const [kind, text] of Object.entries(samples.hits[list.path] ?? {})) ways.push({ label: `search: ${kind}`, filters: { search: text } });
      if (!samples.hits[list.path]) value("search");
      ways.push({ label: "search: miss", filters: { search: MISS } });
    } else if (name in REFINES) {
      const other = REFINES[name] ?? "";
      ways.push({ label: `${name}, ${other}`, filters: { [name]: value(name), [other]: value(other) } });
    } else if (name === "subject_id") continue;
    else if (schema.enum) for (const one of schema.enum) ways.push({ label: `${name}=${one}`, filters: { [name]: String(one) } });
    else if (schema.type === "boolean") for (const one of ["true", "false"]) ways.push({ label: `${name}=${one}`, filters: { [name]: one } });
    else ways.push({ label: name, filters: { [name]: value(name) } });
  }
  return ways.flatMap(({ label, filters }) => {
    const variant = { path, query: { ...forced, ...filters }, filters };
    return [
      { ...variant, label, deep: null },
      ...(turns === null ? [] : [{ ...variant, label: `${label}, middle page`, deep: turns, at: 0.5 }, { ...variant, label: `${label}, last page`, deep: turns }]),
      ...(CURSORS.some((name) => names.has(name)) ? [{ ...variant, label: `${label}, deep cursor`, deep: /** @type {const} */ ("cursor") }] : []),
    ];
  });
}
