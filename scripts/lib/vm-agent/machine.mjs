/** One local machine as the agent sees it: its record, its power, and the channel to its init process. */
import { fork } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../paths.mjs";
import { homeOf, removeDisk, vmFolder, writeRecord } from "./disk.mjs";
import { endFamily, findFamily, MARK, newFamily } from "./process-family.mjs";

/** @typedef {import("./disk.mjs").VmRecord} VmRecord */
/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {"starting" | "running" | "stopping" | "stopped" | "restarting" | "deleting" | "error"} VmStatus */
/** @typedef {{ exit_code: number, output: string }} RunOutcome */
/** @typedef {{ vms: string, path: string }} Host folder of all machines, and their PATH */

const INIT = inRoot("scripts/lib/vm-agent/init.mjs");
/** For a daemon's goodbye. */
const SHUTDOWN_MS = 4_000;
/** Beyond the grace, for init to end the rest. */
const INIT_LIMIT_MS = 3_000;
/** Beyond a command's own time, for init to tell. */
const RUN_MARGIN_MS = 2_000;
const MAX_LOG_BYTES = 5 * 1024 * 1024;

/** What the agent answers instead of a value. */
export class VmFault extends Error {
  /** @param {"gone" | "not_ready" | "refused" | "capacity" | "unavailable"} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Machine {
  /** @type {VmStatus} */
  #status;
  /** @type {string | null} */
  #detail = null;
  /** @type {ChildProcess | null} */
  #init = null;
  #seq = 0;
  /** @type {Map<number, { resolve: (outcome: RunOutcome) => void, reject: (fault: VmFault) => void, timer: NodeJS.Timeout }>} */
  #runs = new Map();
  /** Changes of power take turns. @type {Promise<unknown>} */
  #turn = Promise.resolve();
  #family;

  /** @param {Host} host @param {VmRecord} record of a disk that exists */
  constructor(host, record) {
    this.host = host;
    this.record = record;
    this.#status = record.wanted === "running" ? "starting" : "stopped";
    this.#family = newFamily(record.id);
  }

  view() {
    const { id, tag, cpu, ram_gb, disk_gb, created_at } = this.record;
    return { id, tag, cpu, ram_gb, disk_gb, created_at, status: this.#status, detail: this.#detail };
  }

  /** Whether it is on its way out or gone. */
  get ends() {
    return this.record.wanted === "destroyed";
  }

  /** Notes who belongs to it while that can be seen. @param {readonly import("./process-family.mjs").Row[]} rows */
  look(rows) {
    if (this.#init) findFamily(this.#family, rows);
  }

  /** Harmless when it is on. */
  start() {
    return this.#inTurn(async () => {
      this.#require();
      this.#want("running");
      if (!this.#init) await this.#powerOn("starting");
    });
  }

  /** Harmless when it is off. */
  stop() {
    return this.#inTurn(async () => {
      this.#require();
      this.#want("stopped");
      this.#status = this.#init ? "stopping" : this.#status;
      await this.#powerOff(SHUTDOWN_MS);
      this.#settle("stopped", null);
    });
  }

  restart() {
    return this.#inTurn(async () => {
      this.#require();
      this.#want("running");
      this.#status = "restarting";
      await this.#powerOff(SHUTDOWN_MS);
      await this.#powerOn("restarting");
    });
  }

  /** Ends it for ever. Once this is called nothing brings it back. */
  destroy() {
    if (!this.ends) this.#want("destroyed");
    this.#settle("deleting", null);
    return this.#inTurn(async () => {
      await this.#powerOff(0);
      removeDisk(this.host.vms, this.record.id);
    });
  }

  /** Ends its processes, and leaves it wanted as it was. @param {number} graceMs */
  cutPower(graceMs) {
    return this.#inTurn(async () => {
      await this.#powerOff(graceMs);
      this.#settle("stopped", null);
    });
  }

  /** Ends whatever an earlier agent left of it. */
  async clearLeftovers() {
    if (!(await endFamily(this.#family))) throw new Error(`processes of the local machine ${this.record.id} do not end`);
  }

  /** @param {string} command @param {number} timeoutMs @returns {Promise<RunOutcome>} */
  run(command, timeoutMs) {
    const init = this.#init;
    if (this.ends) throw new VmFault("gone", "There is no such machine.");
    if (this.#status !== "running" || !init?.connected) throw new VmFault("not_ready", `The machine is ${this.#status}.`);
    const seq = ++this.#seq;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#abandon(seq, "The machine did not tell how the command ended."), timeoutMs + RUN_MARGIN_MS);
      this.#runs.set(seq, { resolve, reject, timer });
      init.send({ type: "run", seq, command, timeout_ms: timeoutMs }, (error) => {
        if (error) this.#abandon(seq, "The machine does not take commands.");
      });
    });
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  #inTurn(work) {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #require() {
    if (this.ends) throw new VmFault("gone", "There is no such machine.");
  }

  /** @param {VmRecord["wanted"]} wanted */
  #want(wanted) {
    const next = { ...this.record, wanted };
    writeRecord(this.host.vms, next);
    this.record = next;
  }

  /** @param {VmStatus} status @param {string | null} detail */
  #settle(status, detail) {
    if (this.ends && status !== "deleting") return;
    this.#status = status;
    this.#detail = detail;
  }

  /** @param {VmStatus} status until it is up */
  async #powerOn(status) {
    await this.clearLeftovers();
    if (this.ends) return;
    this.#settle(status, null);
    const { vms, path } = this.host;
    const { id } = this.record;
    const home = homeOf(vms, id);
    const log = openLog(join(vmFolder(vms, id), "machine.log"));
    try {
      // Nothing of the server's environment: it holds the operator's secrets.
      const env = { HOME: home, PATH: path, TMPDIR: join(vmFolder(vms, id), "tmp"), SHELL: "/bin/sh", USER: "sett", LOGNAME: "sett", LANG: "C.UTF-8", [MARK]: id };
      const init = fork(INIT, [vmFolder(vms, id), id], { cwd: home, detached: true, env, execArgv: [], stdio: ["ignore", log, log, "ipc"] });
      this.#init = init;
      init.on("error", (error) => this.#died(init, error.message));
      init.on("exit", (code, signal) => this.#died(init, signal ?? `exit code ${code}`));
      init.on("message", (message) => this.#hear(init, /** @type {import("./init.mjs").FromInit} */ (message)));
    } finally {
      closeSync(log);
    }
  }

  /** @param {ChildProcess} init @param {import("./init.mjs").FromInit} message */
  #hear(init, message) {
    if (message.type === "up") {
      if (init === this.#init) this.#settle("running", null);
      return;
    }
    const waiting = this.#runs.get(message.seq);
    if (!waiting) return;
    if (message.timed_out) return this.#abandon(message.seq, "The command took too long and was ended.");
    this.#runs.delete(message.seq);
    clearTimeout(waiting.timer);
    waiting.resolve({ exit_code: message.exit_code ?? 1, output: message.output });
  }

  /** @param {number} seq @param {string} why */
  #abandon(seq, why) {
    const waiting = this.#runs.get(seq);
    this.#runs.delete(seq);
    clearTimeout(waiting?.timer);
    waiting?.reject(new VmFault("unavailable", why));
  }

  /** Init ended without being asked to, so the power went. @param {ChildProcess} init @param {string} how */
  #died(init, how) {
    if (init !== this.#init) return;
    this.#init = null;
    for (const seq of this.#runs.keys()) this.#abandon(seq, "The machine went down while the command ran.");
    const cameUp = this.#status !== "starting";
    this.#settle(cameUp ? "stopped" : "error", cameUp ? `The machine lost its power (${how}).` : `The machine did not boot (${how}).`);
    void this.#inTurn(async () => {
      if (!this.#init) await endFamily(this.#family);
    });
  }

  /** @param {number} graceMs */
  async #powerOff(graceMs) {
    const init = this.#init;
    this.#init = null;
    for (const seq of this.#runs.keys()) this.#abandon(seq, "The machine was switched off while the command ran.");
    if (init && init.exitCode === null && init.signalCode === null) {
      const gone = new Promise((resolve) => init.once("exit", resolve));
      if (init.connected) init.send({ type: "shutdown", grace_ms: graceMs }, () => undefined);
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      await Promise.race([gone, new Promise((resolve) => (timer = setTimeout(resolve, graceMs + INIT_LIMIT_MS)))]);
      clearTimeout(timer);
    }
    if (!(await endFamily(this.#family))) throw new VmFault("unavailable", "Processes of the machine do not end.");
  }
}

/** @param {string} path */
function openLog(path) {
  if (existsSync(path) && statSync(path).size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, "a", 0o600);
}
