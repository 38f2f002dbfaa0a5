/**
 * What a machine costs a month at list prices (Workers Paid, beyond the included amounts), from what a beat was measured to use.
 * Pure arithmetic: every number that is not a price or a measurement is an assumption named here.
 */

/** Dollars. Requests, rows, messages and CPU milliseconds per million; duration per million GB-seconds. */
export const PRICES = { workerRequest: 0.3, cpuMs: 0.02, objectRequest: 0.15, objectGbSecond: 12.5, rowWritten: 1 };

export const MONTH_SECONDS = 2_592_000;
const OBJECT_GB = 0.128;
/** Incoming frames of an object are billed twenty to the request. */
const FRAMES_PER_REQUEST = 20;

export const ASSUMED = {
  /** An object that answers a call is active this long, seconds. */
  activeSeconds: 0.005,
  /** A stream is opened anew every half hour, a socket once a day: deploys do not cut hibernating sockets. */
  streamReconnects: MONTH_SECONDS / 1_800,
  socketReconnects: MONTH_SECONDS / 86_400,
  /** Rows and alarms of losing a link and opening it again: the clocks of both, two events and two summaries of the feed. */
  rowsPerReconnect: 10,
  /** A look at links that seem alive: one row and one alarm. */
  backstopSeconds: 1_800,
  /** CPU of one keep-alive comment in the Worker, ms. */
  keepaliveCpuMs: 0.045,
  keepaliveSeconds: 10,
  pingSeconds: 30,
  /** Last-seen and sparkline sample of a linked machine. */
  flushSeconds: 900,
};

/**
 * @typedef {object} Usage per machine and month
 * @property {number} [workerRequests]
 * @property {number} [cpuMs]
 * @property {number} [objectRequests]
 * @property {number} [objectFrames] incoming WebSocket messages, platform-answered pings included (the worst reading of the price list)
 * @property {number} [activeSeconds] of an object
 * @property {number} [rows] written; setting an alarm is one
 */

/** @param {Usage} usage @returns {number} dollars a month */
export function priceOf({ workerRequests = 0, cpuMs = 0, objectRequests = 0, objectFrames = 0, activeSeconds = 0, rows = 0 }) {
  const perMillion =
    workerRequests * PRICES.workerRequest +
    cpuMs * PRICES.cpuMs +
    (objectRequests + objectFrames / FRAMES_PER_REQUEST) * PRICES.objectRequest +
    activeSeconds * OBJECT_GB * PRICES.objectGbSecond +
    rows * PRICES.rowWritten;
  return perMillion / 1e6;
}

/** @param {number} beats @param {number} cpuMs one beat over HTTP: a request, an object call @returns {Usage} */
const httpBeats = (beats, cpuMs) => ({ workerRequests: beats, cpuMs: beats * cpuMs, objectRequests: beats, activeSeconds: beats * ASSUMED.activeSeconds });

/** @param {...Usage} parts @returns {Usage} */
function sum(...parts) {
  /** @type {Record<string, number>} */
  const total = {};
  for (const part of parts) for (const [name, value] of Object.entries(part)) total[name] = (total[name] ?? 0) + value;
  return total;
}

/** @param {number} times a month @returns {Usage} */
const reconnects = (times) => ({ workerRequests: times, objectRequests: 2 * times, activeSeconds: 2 * times * ASSUMED.activeSeconds, rows: times * ASSUMED.rowsPerReconnect });
const looks = MONTH_SECONDS / ASSUMED.backstopSeconds;
/** @type {Usage} */
const flushed = { rows: MONTH_SECONDS / ASSUMED.flushSeconds + 2 * looks, objectRequests: looks, activeSeconds: looks * ASSUMED.activeSeconds };
const keptAlive = {
  cpuMs: (MONTH_SECONDS / ASSUMED.keepaliveSeconds) * ASSUMED.keepaliveCpuMs,
  objectFrames: MONTH_SECONDS / ASSUMED.keepaliveSeconds,
};

/**
 * @typedef {object} Measured
 * @property {number} cpuMsPerBeat
 * @property {number} rowsPerLinkedBeat
 * @property {number} rowsPerUnlinkedBeat
 * @property {number} silenceRows rows that one look of the silence alarm writes, its re-arming included
 */

/** Without a link an alarm asks once a minute whether the machine went silent (75 s after the last of beats 30 s apart). */
const SILENCE_LOOK_SECONDS = 60;

/**
 * The designs side by side.
 * @param {Measured} measured
 * @returns {{ design: string, dollars: number }[]}
 */
export function compareDesigns({ cpuMsPerBeat, rowsPerLinkedBeat, rowsPerUnlinkedBeat, silenceRows }) {
  const everyHalfMinute = MONTH_SECONDS / 30;
  const everyFiveMinutes = MONTH_SECONDS / 300;
  const perFlush = MONTH_SECONDS / ASSUMED.flushSeconds;
  const silenceLooks = MONTH_SECONDS / SILENCE_LOOK_SECONDS;
  const naive = sum(httpBeats(everyHalfMinute, cpuMsPerBeat), { rows: everyHalfMinute * 2 });
  return [
    {
      design: "machine socket: pings answered by the platform, a beat every 15 min",
      dollars: priceOf(sum(reconnects(ASSUMED.socketReconnects), flushed, { objectFrames: MONTH_SECONDS / ASSUMED.pingSeconds + perFlush, activeSeconds: perFlush * ASSUMED.activeSeconds, rows: perFlush * rowsPerLinkedBeat })),
    },
    {
      design: "bridged stream + a beat every 300 s",
      dollars: priceOf(sum(reconnects(ASSUMED.streamReconnects), flushed, keptAlive, httpBeats(everyFiveMinutes, cpuMsPerBeat), { rows: everyFiveMinutes * rowsPerLinkedBeat })),
    },
    {
      design: "bridged stream + a beat every 30 s",
      dollars: priceOf(sum(reconnects(ASSUMED.streamReconnects), flushed, keptAlive, httpBeats(everyHalfMinute, cpuMsPerBeat), { rows: everyHalfMinute * rowsPerLinkedBeat })),
    },
    {
      design: "no link: a beat every 30 s, its row, and a silence alarm",
      dollars: priceOf(
        sum(httpBeats(everyHalfMinute, cpuMsPerBeat), { rows: everyHalfMinute * rowsPerUnlinkedBeat + silenceLooks * silenceRows, objectRequests: silenceLooks, activeSeconds: silenceLooks * ASSUMED.activeSeconds }),
      ),
    },
    { design: "naive: a row and an alarm per beat", dollars: priceOf(naive) },
    { design: "naive, with the stream held inside the object", dollars: priceOf(sum(naive, { activeSeconds: MONTH_SECONDS })) },
  ];
}
