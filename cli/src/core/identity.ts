import { execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { arch, hostname, platform } from "node:os";
import { readText, writeFileAtomic } from "./files";
import type { Paths } from "./paths";

const FINGERPRINT_SALT = "sett-machine-v1:";

/** The id this machine asks for: `openclaw-{host}-{16 hex of host-platform-arch}`, as published CLIs build it. */
export function proposeInstanceId(host: string = hostname(), os: string = platform(), cpu: string = arch(), env: NodeJS.ProcessEnv = process.env): string {
  const forced = env["SETT_INSTANCE_ID"];
  if (forced !== undefined && forced !== "") return forced;
  const hash = createHash("sha256").update(`${host}-${os}-${cpu}`).digest("hex").slice(0, 16);
  return `openclaw-${host.toLowerCase().replace(/[^a-z0-9]/g, "-")}-${hash}`;
}

/**
 * A stable mark of this machine, 64 hex characters, that does not give the machine id away (salted hash).
 * Containers of one image share /etc/machine-id, so there, and where the platform has none, a random id is kept on disk.
 */
export function machineFingerprint(paths: Paths, env: NodeJS.ProcessEnv = process.env): string {
  const forced = env["SETT_FINGERPRINT"];
  if (forced !== undefined && forced !== "") return forced.slice(0, 64);
  const id = (inContainer() ? undefined : platformMachineId()) ?? keptMachineId(paths);
  return createHash("sha256").update(FINGERPRINT_SALT + id).digest("hex");
}

function inContainer(): boolean {
  return existsSync("/.dockerenv") || existsSync("/run/.containerenv");
}

function platformMachineId(): string | undefined {
  if (platform() === "linux") {
    for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
      try {
        const id = readFileSync(path, "utf8").trim();
        if (/^[0-9a-f]{32}$/.test(id)) return id;
      } catch {
        // Not on this distribution.
      }
    }
    return undefined;
  }
  if (platform() !== "darwin") return undefined;
  try {
    const text = execFileSync("ioreg", ["-rd1", "-c", "IOPlatformExpertDevice"], { encoding: "utf8", timeout: 3_000 });
    return /"IOPlatformUUID" = "([0-9A-F-]{36})"/i.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

function keptMachineId(paths: Paths): string {
  const kept = readText(paths.machineId)?.trim();
  if (kept !== undefined && kept !== "") return kept;
  const id = randomUUID();
  writeFileAtomic(paths.machineId, `${id}\n`);
  return id;
}
