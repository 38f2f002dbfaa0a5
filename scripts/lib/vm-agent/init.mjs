/**
 * The machine itself: first of its processes, and the one that ends them all. `node init.mjs FOLDER ID`, started by the agent, whose end of
 * our channel closes however it dies; then the power goes off.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { endFamily, findFamily, newFamily, sessionOf } from "./process-family.mjs";

/** @typedef {{ type: "run", seq: number, command: string, timeout_ms: number } | { type: "shutdown", grace_ms: number }} ToInit */
/** @typedef {{ type: "up" } | { type: "ran", seq: number, exit_code: number | null, output: string, timed_out: boolean }} FromInit */

/** Booting takes a moment, as it does anywhere. */
const BOOT_MS = 250;
const LOOK_MS = 2_000;
/** While a command runs: what drops its environment is still seen beside its parent. */
const LOOK_AT_COMMAND_MS = 50;
const MAX_OUTPUT_CHARS = 64 * 1024;
/** What a command's background children may still hold open after its end. */
const DRAIN_MS = 50;

const [, , folder = "", id = ""] = process.argv;
const home = join(folder, "home");
const family = newFamily(id, { foreignSessions: new Set([sessionOf(process.ppid)]), spare: process.pid });
let ending = false;

/** @param {FromInit} message */
function tell(message) {
  if (process.connected) process.send?.(message, () => undefined);
}

/** @param {number} graceMs */
async function powerOff(graceMs) {
  if (ending) return;
  ending = true;
  await endFamily(family, graceMs);
  process.exit(0);
}

function boot() {
  if (ending) return;
  const script = join(home, ".sett/boot.sh");
  if (existsSync(script)) {
    const child = spawn("/bin/sh", [script], { cwd: home, detached: true, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (error) => process.stderr.write(`boot.sh: ${error.message}\n`));
  }
  tell({ type: "up" });
}

/** Feeds a command to `sh` and tells its end. @param {Extract<ToInit, { type: "run" }>} message */
function run({ seq, command, timeout_ms: timeoutMs }) {
  const child = spawn("/bin/sh", [], { cwd: home, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let timedOut = false;
  let over = false;
  const keep = (/** @type {unknown} */ text) => (output = (output + String(text)).slice(-MAX_OUTPUT_CHARS));
  const finish = (/** @type {number | null} */ code) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    clearInterval(looking);
    child.stdout.destroy();
    child.stderr.destroy();
    tell({ type: "ran", seq, exit_code: code, output, timed_out: timedOut });
  };
  const looking = setInterval(() => findFamily(family), LOOK_AT_COMMAND_MS);
  const timer = setTimeout(() => {
    timedOut = true;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Its last process went just now.
    }
  }, timeoutMs);
  child.stdin.on("error", () => undefined);
  child.stdin.end(command);
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  child.on("error", (error) => {
    keep(error.message);
    finish(127);
  });
  child.on("close", (code, signal) => finish(code ?? (signal ? 137 : 1)));
  child.on("exit", (code, signal) => setTimeout(finish, DRAIN_MS, code ?? (signal ? 137 : 1)));
}

process.on("message", (/** @type {ToInit} */ message) => {
  if (message.type === "shutdown") void powerOff(message.grace_ms);
  else if (!ending) run(message);
});
process.on("disconnect", () => void powerOff(0));
for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT", "SIGHUP"])) process.on(signal, () => void powerOff(0));
process.on("uncaughtException", (error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  void powerOff(0);
});

if (!process.connected) void powerOff(0);
setTimeout(boot, BOOT_MS);
setInterval(() => findFamily(family), LOOK_MS);
