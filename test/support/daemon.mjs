import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = resolve(fileURLToPath(import.meta.url), "../../../cli/dist/sett.mjs");

/**
 * Our own command line as a person would run it: its own home, its own identity, so that several machines fit on one computer.
 * @typedef {{ event: string, [field: string]: any }} CliEvent
 * @typedef {{ pid: number, events: CliEvent[], text: () => string, until: (event: string, matches?: (e: CliEvent) => boolean, limitMs?: number) => Promise<CliEvent>, kill: (signal: NodeJS.Signals) => Promise<number | null>, exited: Promise<number | null> }} CliRun
 */

/** Only what we started: pids are reused. @param {number} pid */
function isWatchedFixture(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("watched-process.mjs");
  } catch {
    return false;
  }
}

/** A computer in miniature: a home folder and the identity that `sett up` would otherwise take from the hardware. */
export class Computer {
  /** @param {string} name @param {string} server @param {(home: string) => Record<string, string>} [environment] what its programs see besides */
  constructor(name, server, environment = () => ({})) {
    this.name = name;
    this.home = mkdtempSync(join(tmpdir(), `sett-home-${name}-`));
    this.server = server;
    this.environment = environment(this.home);
    this.instanceId = `journey-${name}-${process.pid}`;
    /** @type {CliRun[]} */
    this.runs = [];
  }

  /** Starts `sett <args>`; its JSON lines become events. @param {readonly string[]} args @returns {CliRun} */
  sett(args) {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...process.env, SETT_HOME: this.home, SETT_SERVER: this.server, SETT_INSTANCE_ID: this.instanceId, SETT_FINGERPRINT: `fingerprint-${this.instanceId}`, NO_COLOR: "1", ...this.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    /** @type {CliEvent[]} */
    const events = [];
    let text = "";
    let rest = "";
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
      rest += String(chunk);
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        if (line.startsWith("{")) events.push(JSON.parse(line));
      }
    });
    child.stderr.on("data", (chunk) => (text += String(chunk)));
    const exited = /** @type {Promise<number | null>} */ (new Promise((done) => child.once("exit", done)));
    const run = {
      pid: child.pid ?? 0,
      events,
      text: () => text,
      exited,
      /** @param {string} event @param {(e: CliEvent) => boolean} [matches] @param {number} [limitMs] */
      async until(event, matches = () => true, limitMs = 30_000) {
        const end = Date.now() + limitMs;
        for (;;) {
          const found = events.find((e) => e.event === event && matches(e));
          if (found) return found;
          if (Date.now() > end) throw new Error(`sett ${args.join(" ")}: no "${event}" in ${limitMs} ms\n${text}`);
          await new Promise((wake) => setTimeout(wake, 20));
        }
      },
      /** @param {NodeJS.Signals} signal */
      async kill(signal) {
        child.kill(signal);
        return exited;
      },
    };
    this.runs.push(run);
    return run;
  }

  /** Runs `sett <args>` to its end. @param {readonly string[]} args */
  async run(args) {
    const run = this.sett(args);
    const code = await run.exited;
    return { code, text: run.text(), events: run.events };
  }

  /** Stops what still runs, kindly, so that watched processes go too. */
  async leave() {
    await this.run(["down"]).catch(() => undefined);
    for (const run of this.runs) {
      const timer = setTimeout(() => void run.kill("SIGKILL"), 8_000);
      await run.kill("SIGTERM");
      clearTimeout(timer);
    }
    // A daemon that was killed left its watched processes alive on purpose; nobody adopts them any more.
    for (const pid of new Set(this.runs.flatMap((run) => run.events.flatMap((e) => (e.event === "process" && typeof e["pid"] === "number" ? [e["pid"]] : []))))) {
      if (isWatchedFixture(pid)) process.kill(pid, "SIGKILL");
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
