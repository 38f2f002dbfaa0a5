import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isObject, numberField, parseJson, type JsonObject } from "../core/json";
import { runCommand } from "./run-command";

/** How long a gateway status from the openclaw program is believed; asking costs it about two seconds of CPU. */
export const STATUS_TTL_MS = 60_000;
const STATUS_LIMIT_MS = 8_000;
const VERSION_LIMIT_MS = 8_000;
const IMAGE_TTL_MS = 600_000;
const IMAGE_LIMIT_MS = 8_000;

export interface ProgramCapability {
  readonly installed: boolean;
  readonly version?: string;
  readonly running?: boolean;
}

/** The path of a program in PATH, or undefined. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** The pid in the answer of `openclaw gateway status --json` when it says the service runs. Pure. */
export function runningPidFromStatus(text: string): number | undefined {
  const raw = parseJson(text);
  const service = isObject(raw) ? raw["service"] : undefined;
  const runtime: unknown = isObject(service) ? service["runtime"] : undefined;
  if (!isObject(runtime) || runtime["status"] !== "running") return undefined;
  return numberField(runtime as JsonObject, "pid");
}

/** The first version-looking word of a `--version` answer. Pure. */
export function versionFromText(text: string): string | undefined {
  return /\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.-]+)?/.exec(text)?.[0];
}

/** What is installed here, with versions asked for once per installed file. */
export class ProgramFinder {
  private readonly versions = new Map<string, string | undefined>();
  private readonly asking = new Set<string>();

  constructor(private readonly onVersion: () => void) {}

  /** Looks in PATH now; the version follows later (onVersion) because asking takes seconds. */
  look(name: string): ProgramCapability {
    const path = findProgram(name);
    if (path === undefined) return { installed: false };
    const key = `${path}@${statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0}`;
    if (!this.versions.has(key) && !this.asking.has(key)) void this.ask(path, key);
    const version = this.versions.get(key);
    return { installed: true, ...(version === undefined ? {} : { version }) };
  }

  private async ask(path: string, key: string): Promise<void> {
    this.asking.add(key);
    const output = await runCommand([path, "--version"], VERSION_LIMIT_MS);
    this.versions.set(key, output.code === 0 ? versionFromText(output.tail) : undefined);
    this.asking.delete(key);
    this.onVersion();
  }
}

/** Asks docker which images it has, in the background; an answer is believed for ten minutes. */
export class ImageFinder {
  private readonly known = new Map<string, { readonly askedAt: number; readonly has: boolean }>();

  constructor(private readonly onNews: () => void) {}

  /** Whether the last answer named the image. */
  has(image: string): boolean {
    const before = this.known.get(image);
    if (before === undefined || Date.now() - before.askedAt >= IMAGE_TTL_MS) {
      this.known.set(image, { askedAt: Date.now(), has: before?.has ?? false });
      void this.ask(image, before?.has ?? false);
    }
    return before?.has ?? false;
  }

  private async ask(image: string, before: boolean): Promise<void> {
    const docker = findProgram("docker");
    const has = docker !== undefined && (await runCommand([docker, "image", "inspect", "--format", "{{.Id}}", image], IMAGE_LIMIT_MS)).code === 0;
    this.known.set(image, { askedAt: Date.now(), has });
    if (has !== before) this.onNews();
  }
}

/** Asks the openclaw program for its service's pid, at most once a minute, in the background. */
export class OpenclawStatus {
  private askedAt = Number.NEGATIVE_INFINITY;
  private pid: number | undefined;

  constructor(private readonly now: () => number = Date.now) {}

  /** The pid of the last answer; starts a new question when that is old. */
  servicePid(): number | undefined {
    if (this.now() - this.askedAt >= STATUS_TTL_MS) {
      this.askedAt = this.now();
      void this.ask();
    }
    return this.pid;
  }

  private async ask(): Promise<void> {
    const program = findProgram("openclaw");
    if (program === undefined) {
      this.pid = undefined;
      return;
    }
    const output = await runCommand([program, "gateway", "status", "--json"], STATUS_LIMIT_MS);
    this.pid = output.code === 0 ? runningPidFromStatus(output.stdout) : undefined;
  }
}
