/**
 * What a script says on the terminal: short lines for people, or JSON lines for programs. Colour only on a terminal.
 * @typedef {object} Reporter
 * @property {(text: string) => void} info
 * @property {(text: string) => void} warn
 * @property {(text: string) => void} fail
 * @property {(text: string, fields?: Record<string, unknown>) => void} plain a line without any decoration
 * @property {(name: string, fields: Record<string, unknown>) => void} event only in JSON mode
 * @property {<T>(name: string, work: () => Promise<T>) => Promise<T>} step runs and times a piece of work
 */

const wantsColour = process.stdout.isTTY === true && !process.env["NO_COLOR"];

/** @param {string} code @param {string} text */
const paint = (code, text) => (wantsColour ? `\u001B[${code}m${text}\u001B[0m` : text);
export const dim = (/** @type {string} */ text) => paint("2", text);
export const green = (/** @type {string} */ text) => paint("32", text);
export const red = (/** @type {string} */ text) => paint("31", text);
export const yellow = (/** @type {string} */ text) => paint("33", text);
export const bold = (/** @type {string} */ text) => paint("1", text);

/** `850 ms`, `2.4 s` or `1 min 20 s`. @param {number} ms */
export function formatDuration(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** @param {{ json?: boolean }} [options] @returns {Reporter} */
export function createReporter({ json = false } = {}) {
  /** @param {string} event @param {Record<string, unknown>} fields */
  const emit = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
  /** @type {Reporter} */
  const reporter = {
    info: (text) => (json ? emit("info", { text }) : process.stdout.write(`  ${text}\n`)),
    warn: (text) => (json ? emit("warning", { text }) : process.stderr.write(`${yellow("!")} ${text}\n`)),
    fail: (text) => (json ? emit("error", { text }) : process.stderr.write(`${red("✗")} ${text}\n`)),
    plain: (text, fields) => (json ? emit("line", { text, ...fields }) : process.stdout.write(`${text}\n`)),
    event: (name, fields) => {
      if (json) emit(name, fields);
    },
    async step(name, work) {
      const startedAt = performance.now();
      const result = await work();
      const ms = Math.round(performance.now() - startedAt);
      if (json) emit("step", { name, ms });
      else process.stdout.write(`${green("✓")} ${name} ${dim(formatDuration(ms))}\n`);
      return result;
    },
  };
  return reporter;
}
