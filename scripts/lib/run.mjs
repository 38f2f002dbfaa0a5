import { spawn } from "node:child_process";
import { ROOT } from "./paths.mjs";

/**
 * What a finished command left.
 * @typedef {{ code: number, output: string }} RunResult
 */

/** A command that failed; the message carries the end of what it printed. */
export class CommandFailed extends Error {
  /** @param {string} title @param {RunResult} result */
  constructor(title, result) {
    super(`${title} failed (exit ${result.code})\n${result.output.trimEnd().split("\n").slice(-60).join("\n")}`);
    this.name = "CommandFailed";
    this.result = result;
  }
}

/**
 * Environment for tools: no telemetry, no update banners, nothing that asks a question.
 * @returns {Record<string, string | undefined>}
 */
export const quietEnv = () => ({ ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CI: process.env["CI"] ?? "1", NO_COLOR: "1" });

/**
 * Runs a command without a shell, collects what it prints and never throws for its exit code.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, input?: string, stream?: boolean, timeoutMs?: number, onLine?: (line: string) => void }} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      cwd: options.cwd ?? ROOT,
      env: /** @type {NodeJS.ProcessEnv} */ (options.env ?? quietEnv()),
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let output = "";
    let partial = "";
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), options.timeoutMs);
    /** @param {Buffer} chunk */
    const take = (chunk) => {
      const text = chunk.toString("utf8");
      output += text;
      if (options.stream) process.stdout.write(text);
      if (!options.onLine) return;
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine(line);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.stdin?.end(options.input);
    child.on("error", (error) => resolve({ code: 127, output: `${output}${error.message}` }));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (partial) options.onLine?.(partial);
      resolve({ code: code ?? 1, output: signal ? `${output}\nended by ${signal}` : output });
    });
  });
}

/**
 * Runs a Node script with the Node that runs us.
 * @param {string} title named in the failure
 * @param {readonly string[]} args script and its arguments
 * @param {Parameters<typeof run>[2]} [options]
 * @returns {Promise<RunResult>}
 * @throws {CommandFailed}
 */
export async function runNode(title, args, options) {
  const result = await run(process.execPath, args, options);
  if (result.code !== 0) throw new CommandFailed(title, result);
  return result;
}
