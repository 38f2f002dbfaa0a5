import { cpuMsOf, memoryMbOf } from "./lib/process-tree.mjs";
import { startGenerator } from "./load/generator-client.mjs";

/** @typedef {import("./load/generator.mjs").Outcome} Outcome */
/** @typedef {import("./servers/child.mjs").BenchServer} BenchServer */
/**
 * One line of the report.
 * @typedef {object} Result
 * @property {string} server
 * @property {"beats only" | "http+sse" | "socket" | "idle" | "command to stream" | "command to socket" | "links"} scenario
 * @property {number} done beats, commands or links
 * @property {number} errors
 * @property {string | null} firstError
 * @property {number} seconds
 * @property {number | null} perSecond
 * @property {number | null} p50 milliseconds
 * @property {number | null} p99 milliseconds
 * @property {number} serverCpu cores that the server used
 * @property {number | null} cpuMsEach server CPU per beat, command or link
 * @property {number} generatorCpu cores that the load generator used
 * @property {number | null} memoryMb
 * @property {number | null} memoryKbEach per machine, above the memory of the empty server
 * @property {number | null} rowsEach rows written per beat by the objects, where it can be asked
 * @property {{ alarms: number, feedCalls: number } | null} spent beside the rows, in the whole scenario
 */
/** @typedef {{ name: string, machines: number, seconds: number, concurrency: number, commands: number, say: (text: string) => void }} Plan */

/** Shares of the measured time. */
const SHARES = { beats: 0.22, streams: 0.28, idle: 0.28, sockets: 0.22 };
/** Every stream gets at least one keep-alive in it. */
const IDLE_MIN_SECONDS = 10;
const LINKS_AT_ONCE = 32;
const COMMANDS_AT_ONCE = 4;
const PRIME_SECONDS = 60;

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** What IPC turned into null, or a division made, is nothing measured. @param {number | null} value */
const finite = (value) => (value !== null && Number.isFinite(value) ? value : null);

/**
 * Takes one server through all scenarios that it offers, and ends it.
 * @param {() => Promise<BenchServer>} start @param {Plan} plan @returns {Promise<Result[]>}
 */
export async function runScenarios(start, plan) {
  plan.say("starting the server");
  const server = await start();
  const generator = startGenerator();
  try {
    return await measureServer(server, generator, plan);
  } finally {
    generator.stop();
    await server.stop();
  }
}

/** @param {BenchServer} server @param {ReturnType<typeof startGenerator>} generator @param {Plan} plan */
async function measureServer(server, generator, plan) {
  const { machines, seconds, concurrency, commands, say } = plan;
  /** @type {Result[]} */
  const results = [];
  const emptyMb = memoryMbOf(server.roots);

  /** @param {Result["scenario"]} scenario @param {() => Promise<Outcome>} work */
  const measure = async (scenario, work) => {
    const spentBefore = await server.spending?.();
    const cpuBefore = cpuMsOf(server.roots);
    const outcome = await work();
    const cpuMs = cpuMsOf(server.roots) - cpuBefore;
    const spentAfter = await server.spending?.();
    const spent = spentBefore && spentAfter ? { rows: spentAfter.rows - spentBefore.rows, alarms: spentAfter.alarms - spentBefore.alarms, feedCalls: spentAfter.feedCalls - spentBefore.feedCalls } : null;
    const { done, errors, firstError, latency, generatorCpu } = outcome;
    results.push({
      server: plan.name,
      scenario,
      done,
      errors,
      firstError,
      seconds: outcome.seconds,
      perSecond: finite(done / outcome.seconds),
      p50: finite(latency.p50),
      p99: finite(latency.p99),
      serverCpu: cpuMs / 1_000 / outcome.seconds,
      cpuMsEach: finite(cpuMs / done),
      generatorCpu,
      memoryMb: finite(memoryMbOf(server.roots)),
      memoryKbEach: null,
      rowsEach: spent === null ? null : finite(spent.rows / done),
      spent: spent === null ? null : { alarms: spent.alarms, feedCalls: spent.feedCalls },
    });
    if (errors > 0) say(`${errors} of ${done + errors} failed: ${firstError}`);
    if (errors > done) throw new Error(`${scenario}: ${errors} of ${done + errors} failed: ${firstError}`);
    return outcome;
  };

  say(`making ${machines} machines`);
  const fleet = await server.createFleet(machines);
  await generator.fleet({ target: server.target, machines: fleet });
  await generator.beats({ seconds: PRIME_SECONDS, concurrency, once: true });

  const held = server.offers.includes("streams") || server.offers.includes("sockets");
  say("beats only");
  await measure("beats only", () => generator.beats({ seconds: seconds * SHARES.beats, concurrency }));

  if (server.offers.includes("streams")) {
    say(`opening ${machines} streams`);
    await measure("links", () => generator.open({ kind: "stream", concurrency: LINKS_AT_ONCE }));
    await idle("idle");
    say("beats while every machine holds a stream");
    await measure("http+sse", () => generator.beats({ seconds: seconds * SHARES.streams, concurrency }));
    if (server.offers.includes("commands")) {
      say(`${commands} commands to streams`);
      await measure("command to stream", () => generator.commands({ count: commands, concurrency: COMMANDS_AT_ONCE }));
    }
    await closeLinks();
  }
  if (server.offers.includes("sockets")) {
    say(`opening ${machines} sockets`);
    await generator.open({ kind: "socket", concurrency: LINKS_AT_ONCE });
    if (!server.offers.includes("streams")) await idle("idle");
    say("beats and pings over sockets");
    await measure("socket", () => generator.socketBeats({ seconds: seconds * SHARES.sockets, concurrency }));
    if (server.offers.includes("commands")) {
      say(`${commands} commands to sockets`);
      await measure("command to socket", () => generator.commands({ count: commands, concurrency: COMMANDS_AT_ONCE }));
    }
    await closeLinks();
  }
  return held ? results : results.filter(({ scenario }) => scenario !== "links");

  /** Nothing is sent: what the held links cost by themselves. @param {Result["scenario"]} scenario */
  async function idle(scenario) {
    const idleSeconds = Math.max(IDLE_MIN_SECONDS, seconds * SHARES.idle);
    say(`idle for ${Math.round(idleSeconds)} s`);
    const cpuBefore = cpuMsOf(server.roots);
    await sleep(idleSeconds * 1_000);
    const cpuMs = cpuMsOf(server.roots) - cpuBefore;
    const memoryMb = memoryMbOf(server.roots);
    results.push({
      server: plan.name,
      scenario,
      done: machines,
      errors: 0,
      firstError: null,
      seconds: idleSeconds,
      perSecond: null,
      p50: null,
      p99: null,
      serverCpu: cpuMs / 1_000 / idleSeconds,
      cpuMsEach: null,
      generatorCpu: 0,
      memoryMb: finite(memoryMb),
      memoryKbEach: finite(((memoryMb - emptyMb) * 1_024) / machines),
      rowsEach: null,
      spent: null,
    });
  }

  async function closeLinks() {
    const { lost } = await generator.close();
    if (lost > 0) say(`${lost} links were lost on the way`);
    await sleep(500);
  }
}
