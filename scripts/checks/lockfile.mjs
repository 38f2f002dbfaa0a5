/**
 * package-lock.json must name the optional packages of every platform, or `npm ci` refuses it. npm leaves out those of other
 * platforms when it updates a lock next to an installed node_modules. `node scripts/checks/lockfile.mjs --fix` adds them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inRoot } from "../lib/paths.mjs";

/** @typedef {{ version?: string, link?: boolean, optional?: boolean, dev?: boolean, optionalDependencies?: Record<string, string>, os?: string[], cpu?: string[], libc?: string[] }} Entry */
/** @typedef {{ packages: Record<string, Entry> }} Lockfile */

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
/** Words in the names of platform packages → what npm calls it. */
const CPUS = new Map([
  ["arm64", "arm64"], ["x64", "x64"], ["64", "x64"], ["ia32", "ia32"], ["arm", "arm"], ["ppc64", "ppc64"], ["riscv64", "riscv64"], ["s390x", "s390x"],
  ["loong64", "loong64"], ["mips64el", "mips64el"], ["wasm32", "wasm32"],
]);

/**
 * For which platform a package is, read off its name; null when the name does not say.
 * @param {string} name
 * @returns {{ os?: string[], cpu: string[], libc?: string[] } | null}
 */
export function platformOf(name) {
  const words = (name.split("/").at(-1) ?? name).replace("windows", "win32").split("-");
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = words.map((word) => CPUS.get(word)).find((known) => known !== undefined);
  if (cpu === undefined || (os === undefined && cpu !== "wasm32")) return null;
  const libc = os !== "linux" ? undefined : words.some((word) => word.startsWith("musl")) ? "musl" : words.some((word) => word.startsWith("gnu")) ? "glibc" : undefined;
  return { ...(os === undefined ? {} : { os: [os] }), cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
}

/** Where an optional dependency of `parent` would be found, nearest first. @param {string} parent @param {string} name */
function placesOf(parent, name) {
  const places = [];
  for (let at = parent; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    places.push(at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`);
    if (at === "") return places;
  }
}

/**
 * Optional packages that the lock does not hold.
 * @param {Lockfile} lock
 * @returns {{ name: string, version: string, dev: boolean }[]}
 */
export function findMissing({ packages }) {
  return Object.entries(packages).flatMap(([parent, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !placesOf(parent, name).some((place) => packages[place]))
      .map(([name, version]) => ({ name, version, dev: entry.dev === true })),
  );
}

/** @param {Lockfile} lock @returns {Lockfile} with an entry for every platform's package whose exact version is known */
export function completeLock(lock) {
  const packages = { ...lock.packages };
  for (const { name, version, dev } of findMissing(lock)) {
    const platform = platformOf(name);
    if (platform && /^\d+\.\d+\.\d+/.test(version)) packages[`node_modules/${name}`] = { version, ...platform, ...(dev ? { dev } : {}), optional: true };
  }
  const [root, ...rest] = Object.keys(packages);
  return { ...lock, packages: Object.fromEntries([root ?? "", ...rest.sort()].map((key) => [key, /** @type {Entry} */ (packages[key])])) };
}

/** @returns {Lockfile} */
const readLock = () => JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8"));

/** @returns {string[]} faults */
export function checkLockfile() {
  const missing = findMissing(readLock()).filter(({ name }) => platformOf(name) !== null);
  return missing.length === 0 ? [] : [`package-lock.json lacks ${missing.length} packages of other platforms (${missing[0]?.name}, …); run: node scripts/checks/lockfile.mjs --fix`];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--fix")) writeFileSync(inRoot("package-lock.json"), `${JSON.stringify(completeLock(readLock()), null, 2)}\n`);
  for (const fault of checkLockfile()) {
    process.stderr.write(`${fault}\n`);
    process.exitCode = 1;
  }
}
