import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge"];
const FIXED_PATHS = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];
const INSTALL_LIMIT_MS = 5 * 60_000;

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Chromium or Chrome of this machine; `CHROMIUM_PATH` decides when it is set. @returns {string | null} */
function findChromium() {
  const chosen = process.env["CHROMIUM_PATH"];
  if (chosen) return isExecutable(chosen) ? chosen : null;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...FIXED_PATHS];
  return candidates.find((path) => existsSync(path) && isExecutable(path)) ?? null;
}

/**
 * Finds a browser for the console's journeys, or installs Debian's package where we may.
 * @returns {{ path: string, note: string } | { path: null, reason: string }}
 */
export function findOrInstallChromium() {
  const found = findChromium();
  if (!found && process.env["CHROMIUM_PATH"]) return { path: null, reason: "CHROMIUM_PATH names no program" };
  if (found) return { path: found, note: "found on this machine" };
  if (process.platform !== "linux" || process.getuid?.() !== 0) return { path: null, reason: "no Chromium or Chrome found, and only root on Debian can install one here (or set CHROMIUM_PATH)" };
  if (!existsSync("/usr/bin/apt-get")) return { path: null, reason: "no Chromium or Chrome found, and there is no apt-get to install one (or set CHROMIUM_PATH)" };
  process.stderr.write("installing Debian's chromium for the console's journeys\n");
  const options = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, stdio: /** @type {const} */ (["ignore", "ignore", "pipe"]), timeout: INSTALL_LIMIT_MS };
  const limits = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];
  for (const args of [["update", "-qq", ...limits], ["install", "-y", "-qq", "--no-install-recommends", ...limits, "chromium"]]) {
    const result = spawnSync("/usr/bin/apt-get", args, options);
    if (result.status !== 0) return { path: null, reason: `apt-get ${args[0]} failed: ${String(result.stderr ?? result.error ?? "").trim().split("\n").at(-1) ?? ""}` };
  }
  const installed = findChromium();
  if (!installed) return { path: null, reason: "apt-get installed chromium but it is not on the PATH" };
  return { path: installed, note: execFileSync(installed, ["--version"], { encoding: "utf8" }).trim() };
}
