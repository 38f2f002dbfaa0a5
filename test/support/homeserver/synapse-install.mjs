/** Synapse, the homeserver, in a Python virtual environment below the repository's cache folder. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The version that is tested against. */
export const SYNAPSE_VERSION = "1.160.0";

const CACHE = resolve(dirname(fileURLToPath(import.meta.url)), "../../../.cache");
const VENV = join(CACHE, "synapse-venv");
const PYTHON = join(VENV, "bin", "python");
const MARKER = join(VENV, "sett-synapse.json");
const PYTHON_NAMES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];
const PROBE_TIMEOUT_MS = 20_000;
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** @typedef {"platform" | "no_python" | "no_venv" | "install_failed" | "wrong_version" | "start_failed"} UnavailableReason */

/** There is no Synapse here; callers fall back to the double and say why. */
export class SynapseUnavailable extends Error {
  /** @param {UnavailableReason} reason @param {string} detail */
  constructor(reason, detail) {
    super(`Synapse ${SYNAPSE_VERSION} cannot run here (${reason}): ${detail}`);
    this.name = "SynapseUnavailable";
    this.reason = reason;
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} timeoutMs
 * @param {(line: string) => void} [onLine]
 * @returns {Promise<{ code: number, output: string }>}
 */
function execute(command, args, timeoutMs, onLine) {
  return new Promise((done) => {
    const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" });
    let output = "";
    /** @param {Buffer} chunk */
    const take = (chunk) => {
      const text = chunk.toString("utf8");
      output += text;
      for (const line of text.split("\n")) if (line.trim() !== "") onLine?.(line);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => done({ code: 127, output: error.message }));
    child.on("close", (code) => done({ code: code ?? 1, output }));
  });
}

/** The end of what pip says, without where it looked. @param {string} text */
const lastLines = (text) => text.trimEnd().split("\n").filter((line) => !line.startsWith("Looking in ")).slice(-8).join("\n");

/** A Python that Synapse runs on. @returns {Promise<string>} */
async function findPython() {
  let sawOne = false;
  for (const name of PYTHON_NAMES) {
    const { code, output } = await execute(name, ["-c", "import sys; print('%d.%d' % sys.version_info[:2]); import venv, ensurepip"], PROBE_TIMEOUT_MS);
    const [, minor] = /^3\.(\d+)$/m.exec(output) ?? [];
    if (minor === undefined || Number(minor) < 10) continue;
    if (code === 0) return name;
    sawOne = true;
  }
  if (sawOne) throw new SynapseUnavailable("no_venv", "the Python here lacks the modules venv and ensurepip");
  throw new SynapseUnavailable("no_python", "found no Python 3.10 or newer");
}

const isInstalled = () => existsSync(PYTHON) && existsSync(MARKER) && JSON.parse(readFileSync(MARKER, "utf8")).version === SYNAPSE_VERSION;

/**
 * Installs Synapse unless that has happened; needs a package index then.
 * @param {(text: string) => void} log
 * @returns {Promise<string>} the Python that has it
 * @throws {SynapseUnavailable}
 */
export async function installSynapse(log) {
  if (process.platform === "win32") throw new SynapseUnavailable("platform", "Synapse has no packages for Windows");
  if (isInstalled()) return PYTHON;
  const python = await findPython();
  const startedAt = Date.now();
  log(`installing matrix-synapse ${SYNAPSE_VERSION} with ${python} (about half a minute)`);
  // Built beside its place and moved there when whole, so that neither a kill nor a second installer leaves half of one.
  const partial = `${VENV}.partial-${process.pid}`;
  try {
    mkdirSync(CACHE, { recursive: true });
    const made = await execute(python, ["-m", "venv", partial], INSTALL_TIMEOUT_MS);
    if (made.code !== 0) throw new SynapseUnavailable("no_venv", lastLines(made.output));
    const args = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--prefer-binary", "--progress-bar", "off", `matrix-synapse==${SYNAPSE_VERSION}`];
    let packages = 0;
    const installed = await execute(join(partial, "bin", "python"), args, INSTALL_TIMEOUT_MS, (line) => {
      if (line.startsWith("Collecting ") && ++packages % 15 === 0) log(`… ${packages} packages found`);
      if (line.startsWith("Installing collected")) log(`… downloaded, unpacking (${Math.round((Date.now() - startedAt) / 1_000)} s)`);
    });
    if (installed.code !== 0) throw new SynapseUnavailable("install_failed", lastLines(installed.output));
    writeFileSync(join(partial, "sett-synapse.json"), JSON.stringify({ version: SYNAPSE_VERSION }));
    if (!isInstalled()) {
      rmSync(VENV, { recursive: true, force: true });
      renameSync(partial, VENV);
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  log(`matrix-synapse installed in ${Math.round((Date.now() - startedAt) / 1_000)} s`);
  return PYTHON;
}
