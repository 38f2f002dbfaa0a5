#!/usr/bin/env node
/**
 * A stand-in for the `openclaw` program in tests: it keeps a configuration like the real one, writes down how it was called, and refuses
 * what the real one refuses. Files in its state folder switch behaviour: `no-channel` (no plugin knows the channel), `no-patch` (an old version),
 * `hang` (never answers). A running `gateway run` leaves its pid in `gateway.pid`; `gateway stop` and `gateway start` stop and start it.
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env["OPENCLAW_STATE_DIR"] ?? "";
const file = join(folder, "openclaw.json");
const args = process.argv.slice(2);
// The test is over and its folder gone: nothing is left behind.
if (!existsSync(folder)) process.exit(1);
appendFileSync(join(folder, "calls.jsonl"), `${JSON.stringify(args)}\n`);

/** @param {string} name */
const is = (name) => existsSync(join(folder, name));
/** @param {string} text @param {number} code @returns {never} */
const end = (text, code) => {
  process[code === 0 ? "stdout" : "stderr"].write(`${text}\n`);
  process.exit(code);
};
const read = () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {});
/** @param {object} config */
const write = (config) => {
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(config, null, 2), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
};
/** @param {any} target @param {any} patch @returns {any} */
function merge(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const merged = { ...(typeof target === "object" && !Array.isArray(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}
const NO_CHANNEL = "Config validation failed: channels.badgerclaw: unknown channel id: badgerclaw";

if (args[0] === "--version") end("OpenClaw 2026.9.6 (fake)", 0);
else if (args[0] === "gateway" && args[1] === "run") {
  // As the real one shows itself in a process list.
  process.title = "openclaw-gateway";
  writeFileSync(join(folder, "gateway.pid"), String(process.pid));
  setInterval(() => existsSync(folder) || process.exit(0), 200);
} else if (args[0] === "gateway" && args[1] === "stop") {
  process.kill(Number(readFileSync(join(folder, "gateway.pid"), "utf8")), "SIGTERM");
  end("stopped", 0);
} else if (args[0] === "gateway" && args[1] === "start") {
  spawn(process.execPath, [process.argv[1] ?? "", "gateway", "run"], { detached: true, stdio: "ignore" }).unref();
  end("started", 0);
}
else if (args[0] === "gateway" && args[1] === "status") end(JSON.stringify({ service: { runtime: { status: "stopped" } } }), 0);
else if (is("hang")) setInterval(() => undefined, 1_000);
else if (args[0] === "config" && args[1] === "patch") {
  if (is("no-patch")) end("error: unknown option '--stdin'", 1);
  const text = readFileSync(0, "utf8");
  if (is("no-channel")) end(`${NO_CHANNEL}\ngiven: ${text}`, 1);
  write(merge(read(), JSON.parse(text)));
  end("Applied 1 config update(s).", 0);
} else if (args[0] === "config" && args[1] === "set") {
  if (is("no-channel")) end(NO_CHANNEL, 1);
  const [path, value] = [args[2] ?? "", args[3] ?? ""];
  write(merge(read(), path.split(".").reduceRight((/** @type {any} */ inner, key) => ({ [key]: inner }), JSON.parse(value))));
  end("Applied 1 config update(s).", 0);
} else end(`unknown command ${args.join(" ")}`, 1);
