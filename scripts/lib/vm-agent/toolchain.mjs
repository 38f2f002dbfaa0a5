/** The programs that local machines find in their PATH before the system's: the toolchain's Node and its npm. */
import { existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * Makes the folder of links anew; npm is left out when there is none.
 * @param {string} folder @returns {string} the PATH of local machines
 */
export function linkToolchain(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  symlinkSync(process.execPath, join(folder, "node"));
  const npm = findNpm();
  if (npm !== null) {
    symlinkSync(npm, join(folder, "npm"));
    const npx = join(dirname(npm), "npx-cli.js");
    if (existsSync(npx)) symlinkSync(npx, join(folder, "npx"));
  }
  return [folder, ...SYSTEM_PATH].join(delimiter);
}

/** Where npm's program lies: the npm that started us, else the one in PATH, else the one beside this Node. */
function findNpm(env = process.env) {
  const inPath = (env["PATH"] ?? "").split(delimiter).filter((part) => part !== "").map((part) => join(part, "npm"));
  const candidates = [env["npm_execpath"], ...inPath, join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js")];
  for (const candidate of candidates) {
    if (!candidate || !existsSync(candidate)) continue;
    const real = realpathSync(candidate);
    if (real.endsWith("npm-cli.js")) return real;
  }
  return null;
}
