/**
 * Cron expressions as Cloudflare reads them: five fields, UTC, days of the week from 1 (Sunday) to 7 or by name.
 * A day matches when both day fields match, or either one when both are restricted.
 */

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS = [
  { name: "minute", min: 0, max: 59, names: /** @type {string[]} */ ([]) },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of month", min: 1, max: 31, names: [] },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day of week", min: 1, max: 7, names: WEEKDAYS },
];

/** @typedef {{ expression: string, fields: readonly ReadonlySet<number>[], anyDay: boolean, anyWeekday: boolean }} Cron */

/** @param {string} expression @returns {Cron} @throws when a field cannot be read */
export function parseCron(expression) {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) throw new Error(`cron "${expression}": five fields expected`);
  const fields = parts.map((part, index) => parseField(expression, part, index));
  return { expression, fields, anyDay: parts[2] === "*", anyWeekday: parts[4] === "*" };
}

/** @param {string} expression @param {string} part @param {number} index */
function parseField(expression, part, index) {
  const field = FIELDS[index];
  if (!field) throw new Error(`cron "${expression}": too many fields`);
  /** @param {string} text */
  const toNumber = (text) => {
    const named = field.names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + 1 : Number(text);
    if (!/^\w+$/.test(text) || !Number.isInteger(value) || value < field.min || value > field.max) throw new Error(`cron "${expression}": ${field.name} cannot be "${text}"`);
    return value;
  };
  /** @type {Set<number>} */
  const values = new Set();
  for (const item of part.split(",")) {
    const [range = "", stepText] = item.split("/");
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) throw new Error(`cron "${expression}": step of "${item}" is no positive number`);
    const [fromText = "", toText] = range.split("-");
    const from = range === "*" ? field.min : toNumber(fromText);
    const to = range === "*" || (toText === undefined && stepText !== undefined) ? field.max : toText === undefined ? from : toNumber(toText);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

/** Whether the cron fires in the minute of `date`. @param {Cron} cron @param {Date} date */
export function matchesCron(cron, date) {
  const [minute, hour, day, month, weekday] = cron.fields;
  if (!minute?.has(date.getUTCMinutes()) || !hour?.has(date.getUTCHours()) || !month?.has(date.getUTCMonth() + 1)) return false;
  const dayMatches = day?.has(date.getUTCDate()) === true;
  const weekdayMatches = weekday?.has(date.getUTCDay() + 1) === true;
  return cron.anyDay || cron.anyWeekday ? dayMatches && weekdayMatches : dayMatches || weekdayMatches;
}

const MINUTE_MS = 60_000;

/**
 * Calls `fire` at second 0 of each minute for every expression that matches it. A minute missed in sleep is not made up for.
 * @param {readonly string[]} expressions
 * @param {(expression: string, scheduledTime: Date) => void} fire
 * @returns {() => void} stops
 */
export function startTicking(expressions, fire) {
  const crons = expressions.map(parseCron);
  /** @type {NodeJS.Timeout} */
  let timer;
  const arm = () => {
    const next = (Math.floor(Date.now() / MINUTE_MS) + 1) * MINUTE_MS;
    timer = setTimeout(() => {
      // Timers may be a little early: then the same minute is armed again instead of being fired twice.
      if (Date.now() >= next) for (const cron of crons) if (matchesCron(cron, new Date(next))) fire(cron.expression, new Date(next));
      arm();
    }, next - Date.now());
  };
  arm();
  return () => clearTimeout(timer);
}
