import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../core/backoff";
import { CliError, EXIT } from "../core/errors";
import { isObject, parseJson, stringField } from "../core/json";
import type { Output } from "../core/output";
import { isWatchName } from "../watch/watch-entry";
import type { CliContext } from "./context";

const FOLLOW_MS = 300;
const TAIL_BYTES_MAX = 2 * 1024 * 1024;

export interface LogsOptions {
  readonly follow?: boolean;
  readonly lines: number;
}

/** `sett logs [NAME]`: the end of the daemon's log or of a watched process's, and with -f what is added. */
export async function showLogs(context: CliContext, name: string | undefined, options: LogsOptions): Promise<void> {
  const { out, paths } = context;
  const isDaemon = name === undefined || name === "daemon";
  if (!isDaemon && !isWatchName(name)) throw new CliError(EXIT.usage, `"${name}" is no process name`, "See the names with: sett status", "bad_name");
  const path = isDaemon ? paths.daemonLog : join(paths.logs, `${name}.log`);
  if (statSync(path, { throwIfNoEntry: false }) === undefined && options.follow !== true) {
    throw new CliError(EXIT.general, isDaemon ? "there is no daemon log yet" : `there is no log of "${name}"`, isDaemon ? "Start the daemon with: sett up" : "See the names with: sett status", "no_log");
  }
  const show = (line: string): void => {
    if (!isDaemon && out.options.json) out.json({ line });
    else out.print(isDaemon && !out.options.json ? renderLogLine(line, out) : line);
  };
  const tail = readTail(path, options.lines);
  for (const line of tail.lines) show(line);
  if (options.follow === true) await follow(path, tail.end, show);
}

/** A JSON log line as people read it: time, event, fields. Other lines stay as they are. */
export function renderLogLine(line: string, out: Pick<Output, "colors">): string {
  const raw = parseJson(line);
  if (!isObject(raw)) return line;
  const { at, level, event, ...fields } = raw;
  const c = out.colors;
  const words = Object.entries(fields).map(([key, value]) => `${c.dim(`${key}=`)}${typeof value === "string" ? quoteIfNeeded(value) : JSON.stringify(value)}`);
  const time = typeof at === "string" ? at.slice(0, 19).replace("T", " ") : "";
  const name = stringField({ event }, "event") ?? "";
  const mark = level === "error" ? c.red(name) : level === "warn" ? c.yellow(name) : name;
  return [c.dim(time), mark, ...words].join("  ");
}

function quoteIfNeeded(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** The last lines of a file without reading all of it, and where it ended. */
export function readTail(path: string, count: number): { readonly lines: string[]; readonly end: number } {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { lines: [], end: 0 };
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const length = Math.min(size, TAIL_BYTES_MAX);
    const buffer = Buffer.alloc(length);
    readSync(fd, buffer, 0, length, size - length);
    const lines = buffer.toString("utf8").split("\n");
    if (lines.at(-1) === "") lines.pop();
    return { lines: count <= 0 ? [] : lines.slice(-count), end: size };
  } finally {
    closeSync(fd);
  }
}

async function follow(path: string, from: number, show: (line: string) => void): Promise<never> {
  let position = from;
  let rest = "";
  for (;;) {
    await sleep(FOLLOW_MS);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    // Smaller than before: it was rotated; what is in it now is all new.
    if (size < position) {
      position = 0;
      rest = "";
    }
    if (size === position) continue;
    const fd = openSync(path, "r");
    const buffer = Buffer.alloc(Math.min(size - position, TAIL_BYTES_MAX));
    position += readSync(fd, buffer, 0, buffer.length, position);
    closeSync(fd);
    const lines = (rest + buffer.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) show(line);
  }
}
