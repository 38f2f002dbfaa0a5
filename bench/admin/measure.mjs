import { countShown, faultsOf, readPerRow, readTally } from "./verdict.mjs";
import { variantsOf } from "./lists.mjs";

/** @typedef {import("./lists.mjs").List} List */
/** @typedef {import("./lists.mjs").Variant} Variant */
/** @typedef {{ path: string, variant: string, filters: Record<string, string>, skipped: number, queries: number, statements: number, rowsRead: number, shown: number, perRow: number, sqlMs: number, ms: number, faults: string[] }} Measured */

/** Pages that a deep cursor has behind it; each as long as may be. */
const DEEP_PAGES = 10;
const TIMED = 3;

/**
 * Asks every list in all its ways, one after the other.
 * @param {string} origin @param {string} token @param {readonly List[]} lists @param {import("./lists.mjs").Samples} samples
 * @param {(done: Measured) => void} [tell]
 * @returns {Promise<Measured[]>}
 */
export async function measureLists(origin, token, lists, samples, tell = () => undefined) {
  const ask = createAsker(origin, token);
  /** @type {Measured[]} */
  const measured = [];
  for (const list of lists) {
    for (const variant of variantsOf(list, samples)) {
      const place = variant.deep === null ? { query: variant.query, skipped: 0 } : await goDeep(ask, list, variant);
      // Shorter than one page: there is nothing to turn to.
      if (place === null) continue;
      const { body, header } = await ask(variant.path, place.query, true);
      const { queries, statements, rowsRead, sqlMs } = readTally(header);
      const shown = countShown(body);
      const row = { path: list.path, variant: variant.label, filters: variant.filters, skipped: place.skipped, queries, statements, rowsRead, shown, perRow: readPerRow(rowsRead, shown), sqlMs, ms: await time(() => ask(variant.path, place.query)), faults: faultsOf({ queries, rowsRead }, shown) };
      measured.push(row);
      tell(row);
    }
  }
  return measured;
}

/** @typedef {(path: string, query: Readonly<Record<string, string>>, counted?: boolean) => Promise<{ body: any, header: string | null }>} Asker */

/** @param {string} origin @param {string} token @returns {Asker} */
const createAsker = (origin, token) => async (path, query, counted = false) => {
  const search = new URLSearchParams(query).toString();
  const url = `${origin}${path}${search === "" ? "" : `?${search}`}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, ...(counted ? { "x-d1-tally": "1" } : {}) } });
  const body = await response.json();
  if (!response.ok) throw new Error(`GET ${path}?${search} answered ${response.status}: ${JSON.stringify(body).slice(0, 300)}`);
  return { body, header: response.headers.get("x-d1-tally") };
};

/**
 * Where a page in the middle or at the end of a list begins, or one that comes after many.
 * @param {Asker} ask @param {List} list @param {Variant} variant
 * @returns {Promise<{ query: Record<string, string>, skipped: number } | null>} null when all fits one page
 */
async function goDeep(ask, list, { path, query, deep, at = 1 }) {
  const bounds = (/** @type {string} */ name) => list.query.find((parameter) => parameter.name === name)?.schema;
  const size = ["limit", "per_page"].find((name) => bounds(name) !== undefined) ?? "limit";
  if (deep !== "cursor") {
    const { body } = await ask(path, query);
    const perPage = Number(bounds(size)?.default ?? countShown(body));
    const last = Math.ceil(Number(body.total) / perPage);
    if (!(last > (at === 1 ? 1 : 2))) return null;
    const page = Math.min(Math.ceil(last * at), Number(bounds("page")?.maximum ?? last));
    const skipped = (page - 1) * perPage;
    return { query: { ...query, [deep ?? ""]: String(deep === "page" ? page : skipped) }, skipped };
  }
  const name = bounds("cursor") === undefined ? "after" : "cursor";
  let [skipped, cursor] = [0, /** @type {string | null} */ (null)];
  for (let page = 0; page < DEEP_PAGES; page++) {
    const { body } = await ask(path, { ...query, [size]: String(bounds(size)?.maximum ?? 100), ...(cursor === null ? {} : { [name]: cursor }) });
    const next = body.next_cursor ?? body.next ?? null;
    if (next === null) break;
    skipped += countShown(body);
    cursor = String(next);
  }
  return cursor === null ? null : { query: { ...query, [name]: cursor }, skipped };
}

/** Median of some runs, ms. @param {() => Promise<unknown>} work */
async function time(work) {
  /** @type {number[]} */
  const runs = [];
  for (let run = 0; run < TIMED; run++) {
    const startedAt = performance.now();
    await work();
    runs.push(performance.now() - startedAt);
  }
  return runs.toSorted((a, b) => a - b)[Math.floor(TIMED / 2)] ?? 0;
}
