import { readdirSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readJsonFile, removeFile, writeFileAtomic } from "../core/files";
import { numberField, stringField } from "../core/json";
import { identify, isAlive, parseProcStat, type ProcessIdentity } from "./process-info";
import type { WatchEntry } from "./watch-entry";

/** Environment variable that marks a child as ours; it finds children whose run file was never written. */
export const MARK_VARIABLE = "SETT_WATCHED";

/** What is kept on disk about a running child, so that the next daemon adopts it. */
export interface RunRecord {
  readonly identity: ProcessIdentity;
  readonly commandKey: string;
  readonly startedAt: string;
  readonly restarts: number;
}

/** Changes when the entry's command, folder or environment changes. */
export function commandKey(entry: WatchEntry): string {
  return createHash("sha256").update(JSON.stringify([entry.command, entry.cwd ?? null, entry.env ?? null])).digest("hex").slice(0, 16);
}

/** The mark of one entry under one home folder. */
export function childMark(home: string, name: string): string {
  return `${createHash("sha256").update(home).digest("hex").slice(0, 12)}:${name}`;
}

/** The children noted in a folder that still live. */
export function listRunFiles(folder: string): Array<{ readonly name: string; readonly pid: number }> {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  return files.flatMap((file) => {
    const raw = file.endsWith(".json") ? readJsonFile(join(folder, file)) : undefined;
    const pid = raw === undefined ? undefined : numberField(raw, "pid");
    if (raw === undefined || pid === undefined || !isAlive({ pid, start: stringField(raw, "start") ?? null })) return [];
    return [{ name: file.slice(0, -".json".length), pid }];
  });
}

/** The file of one entry's child. */
export class RunFile {
  private readonly path: string;

  constructor(
    folder: string,
    private readonly home: string,
    private readonly name: string,
  ) {
    this.path = join(folder, `${name}.json`);
  }

  write(record: RunRecord): void {
    const { identity } = record;
    writeFileAtomic(
      this.path,
      `${JSON.stringify({ pid: identity.pid, start: identity.start, command_key: record.commandKey, started_at: record.startedAt, restarts: record.restarts })}\n`,
    );
  }

  remove(): void {
    removeFile(this.path);
  }

  /** The child an earlier daemon left running, or undefined. */
  findAlive(): RunRecord | undefined {
    const raw = readJsonFile(this.path);
    const pid = raw === undefined ? undefined : numberField(raw, "pid");
    if (raw === undefined || pid === undefined) return this.findByMark();
    const record: RunRecord = {
      identity: { pid, start: stringField(raw, "start") ?? null },
      commandKey: stringField(raw, "command_key") ?? "",
      startedAt: stringField(raw, "started_at") ?? new Date().toISOString(),
      restarts: numberField(raw, "restarts") ?? 0,
    };
    return isAlive(record.identity) ? record : this.findByMark();
  }

  /** A daemon killed between starting a child and noting it leaves no run file; the child's environment still tells. */
  private findByMark(): RunRecord | undefined {
    if (process.platform !== "linux") return undefined;
    const wanted = `${MARK_VARIABLE}=${childMark(this.home, this.name)}`;
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const pid = Number(entry);
        // Children are session leaders; their own children inherit the mark but not the session id.
        if (parseProcStat(readFileSync(`/proc/${entry}/stat`, "utf8"))?.session !== pid) continue;
        if (!readFileSync(`/proc/${entry}/environ`, "utf8").split("\0").includes(wanted)) continue;
        const identity = identify(pid);
        if (identity !== undefined) return { identity, commandKey: "", startedAt: new Date().toISOString(), restarts: 0 };
      } catch {
        // Ended meanwhile, or another user's.
      }
    }
    return undefined;
  }
}
