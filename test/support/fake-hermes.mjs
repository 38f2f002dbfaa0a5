#!/usr/bin/env node
/**
 * A stand-in for the Hermes gateway in tests: it writes down what it was started with, makes a recovery key once like the real one, and
 * lives until it is told to stop.
 */
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const { env } = process;
const home = env["HERMES_HOME"] ?? ".";
if (process.argv[2] === "--version") {
  process.stdout.write("hermes 0.9.1 (fake)\n");
  process.exit(0);
}
const matrix = Object.fromEntries(Object.entries(env).filter(([key]) => key.startsWith("MATRIX_")));
// Outside its home, which goes away with the bot.
appendFileSync(env["FAKE_HERMES_LOG"] ?? join(home, "starts.jsonl"), `${JSON.stringify({ pid: process.pid, argv: process.argv.slice(2), env: matrix })}\n`);
const keyFile = env["MATRIX_RECOVERY_KEY_OUTPUT_FILE"];
if (keyFile !== undefined && env["MATRIX_RECOVERY_KEY"] === undefined && !existsSync(keyFile)) {
  writeFileSync(keyFile, "EsTf ake1 fake 2fak e3fa ke4f ake5 fake 6fak e7fa ke8f ake9\n", { mode: 0o600 });
}
setInterval(() => undefined, 1_000);
