import { compareDesigns } from "./lib/cost-model.mjs";
import { renderTable, short } from "./lib/table.mjs";

/** @typedef {import("./scenarios.mjs").Result} Result */

const HEAD = ["server", "scenario", "per s", "CPU ms each", "p50 ms", "p99 ms", "server CPU", "generator CPU", "memory MB", "KB/machine", "rows/beat", "failed"];
const ORDER = ["beats only", "http+sse", "socket", "links", "idle", "command to stream", "command to socket"];
/** The test of the hot path counts these; a run that can ask the objects measures them. */
const BUDGET = { rowsPerLinkedBeat: 0, rowsPerUnlinkedBeat: 1 };
/** Rows of one look of the silence alarm: forget, arm, and the alarm itself. */
const SILENCE_ROWS = 1;
const UNKNOWN_CPU_MS = 0.5;

/** @param {number | null} cores */
const percent = (cores) => (cores === null || !Number.isFinite(cores) ? "–" : `${Math.round(cores * 100)}%`);

/** @param {readonly Result[]} results @returns {{ head: string[], rows: string[][] }} by scenario, so that servers stand below each other */
export function tableOf(results) {
  const sorted = ORDER.flatMap((scenario) => results.filter((result) => result.scenario === scenario));
  return {
    head: HEAD,
    rows: sorted.map((r) => [
      r.server,
      r.scenario,
      short(r.perSecond),
      short(r.cpuMsEach),
      short(r.p50),
      short(r.p99),
      percent(r.serverCpu),
      percent(r.generatorCpu),
      short(r.memoryMb),
      short(r.memoryKbEach),
      short(r.rowsEach),
      r.errors === 0 ? "" : String(r.errors),
    ]),
  };
}

/** @typedef {{ scenario: string, server: string, throughput: number, cpu: number }} Ratio */

/** The baseline has no sockets: a machine's beat on its socket stands against the beat of one that holds a stream there. */
const COUNTERPART = new Map([["socket", "http+sse"]]);

/**
 * How each server compares with the baseline of the same run: times the throughput, and times the CPU per beat.
 * @param {readonly Result[]} results @param {string} baseline @returns {Ratio[]}
 */
export function ratiosTo(results, baseline) {
  return results.flatMap((result) => {
    const counterpart = COUNTERPART.get(result.scenario) ?? result.scenario;
    const other = results.find(({ server, scenario }) => server === baseline && scenario === counterpart);
    if (!other || other === result || !result.perSecond || !other.perSecond || !result.cpuMsEach || !other.cpuMsEach) return [];
    const scenario = counterpart === result.scenario ? result.scenario : `${result.scenario} (to ${counterpart})`;
    return [{ scenario, server: result.server, throughput: result.perSecond / other.perSecond, cpu: result.cpuMsEach / other.cpuMsEach }];
  });
}

/** What the run says about the price of a machine. @param {readonly Result[]} results */
export function costOf(results) {
  const find = (/** @type {string} */ scenario) => results.find((result) => result.scenario === scenario && result.rowsEach !== null);
  const cpu = results.filter(({ scenario, server }) => scenario === "beats only" && server !== "postgres").flatMap(({ cpuMsEach }) => (cpuMsEach === null ? [] : [cpuMsEach]));
  const measured = {
    cpuMsPerBeat: cpu.length === 0 ? UNKNOWN_CPU_MS : Math.min(...cpu),
    rowsPerLinkedBeat: find("socket")?.rowsEach ?? BUDGET.rowsPerLinkedBeat,
    rowsPerUnlinkedBeat: find("beats only")?.rowsEach ?? BUDGET.rowsPerUnlinkedBeat,
    silenceRows: SILENCE_ROWS,
  };
  return { measured, rowsAreMeasured: find("beats only") !== undefined, designs: compareDesigns(measured) };
}

/** @param {ReturnType<typeof costOf>} cost */
export function renderCost({ measured, rowsAreMeasured, designs }) {
  const rows = designs.map(({ design, dollars }) => [design, `$${dollars.toFixed(4)}`, `$${Math.round(dollars * 100_000).toLocaleString("en-US")}`]);
  const source = rowsAreMeasured ? "counted in this run" : "as the hot path's test asserts them";
  return `${renderTable(["design (list prices, beyond the included amounts)", "machine-month", "100,000 machines"], rows)}
rows per beat ${source}: ${short(measured.rowsPerLinkedBeat)} linked, ${short(measured.rowsPerUnlinkedBeat)} without a link; CPU per beat ${short(measured.cpuMsPerBeat)} ms (the whole server process, an upper bound)`;
}
