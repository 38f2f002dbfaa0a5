import { realpathSync } from "node:fs";
import semver from "semver";
import type { UpdateConfig } from "../core/config";
import { findProgram, versionFromText } from "../watch/openclaw";
import { runCommand } from "../watch/run-command";
import { CLI_VERSION } from "../version";

export type UpdateOutcome =
  | { readonly ok: true; readonly text: string; readonly newVersion: string; readonly binary: readonly string[] }
  | { readonly ok: false; readonly text: string };

export const UPDATE_LIMIT_MS = 300_000;
const VERIFY_LIMIT_MS = 30_000;
const TAIL_SHOWN = 1_200;

/** A version or tag fit to be given to an installer: it comes from the network and must not smuggle in options. Pure. */
export function isSafeVersion(version: string): boolean {
  return semver.valid(version) !== null || /^[a-z][a-z0-9-]{0,31}$/.test(version);
}

/** Where a server offers the command line that fits it. Never a bare name: anybody could have registered that. Pure. */
export const servedPackage = (server: string): string => `${server}/cli/sett-cli.tgz`;

/** The words of the install command. An address installs what lies there; a name takes the version. Pure. */
export function installArgv(config: UpdateConfig, server: string, version: string): string[] {
  const source = config.package ?? servedPackage(server);
  const command = config.command ?? ["npm", "install", "--global", /^https?:/.test(source) ? "{package}" : "{package}@{version}"];
  return command.map((word) => word.replaceAll("{package}", source).replaceAll("{version}", version));
}

/**
 * Installs a version of this CLI and proves it by running the installed program. Success only when the program that
 * will run next time answers the version asked for (or, for a tag, any version).
 */
export async function updateCli(config: UpdateConfig, server: string, version: string | undefined, limitMs: number = UPDATE_LIMIT_MS): Promise<UpdateOutcome> {
  const wanted = version ?? "latest";
  if (!isSafeVersion(wanted)) return { ok: false, text: `"${wanted.slice(0, 60)}" is neither a version nor a tag` };
  const exact = semver.valid(wanted);
  const argv = installArgv(config, server, exact ?? wanted);
  const install = await runCommand(argv, limitMs);
  const shown = `${argv.join(" ")}`;
  if (install.timedOut) return { ok: false, text: `${shown} took longer than ${Math.round(limitMs / 1000)} s and was ended\n${lastLines(install.tail)}`.trim() };
  if (install.code !== 0) return { ok: false, text: `${shown} failed (exit code ${install.code ?? "none"})\n${lastLines(install.tail)}`.trim() };
  const binary = installedBinary(config);
  const check = await runCommand([...binary, "--version"], VERIFY_LIMIT_MS);
  const now = check.code === 0 ? versionFromText(check.tail) : undefined;
  if (now === undefined) return { ok: false, text: `installed, but ${binary.join(" ")} --version does not answer: ${lastLines(check.tail)}` };
  if (exact !== null && now !== exact) {
    return { ok: false, text: `${shown} ended well, but ${binary.join(" ")} is still ${now}; set update.command or update.binary in config.json` };
  }
  const change = now === CLI_VERSION ? `already ${now}` : `${CLI_VERSION} → ${now}`;
  return { ok: true, newVersion: now, binary, text: `updated: ${change}\n${lastLines(install.tail)}`.trim() };
}

/** How to run the program that was just installed: the configured one, the one running now, or `sett` in PATH. */
export function installedBinary(config: UpdateConfig): readonly string[] {
  if (config.binary !== undefined) return asCommand(config.binary);
  const running = process.argv[1];
  if (running !== undefined && /(^|[\\/])(sett|sett\.mjs)$/.test(running)) return asCommand(running);
  return asCommand(findProgram("sett") ?? running ?? "sett");
}

function asCommand(path: string): readonly string[] {
  let target = path;
  try {
    target = realpathSync(path);
  } catch {
    // Left as given; running it will say what is wrong.
  }
  // Run scripts with this Node: the one in PATH may be older or absent under a service manager.
  return /\.(mjs|js|cjs)$/.test(target) ? [process.execPath, path] : [path];
}

function lastLines(tail: string): string {
  return tail.slice(-TAIL_SHOWN).trim();
}
