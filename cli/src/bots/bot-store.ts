import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDir, fileStamp, readJsonFile, removeFile, writeFileAtomic } from "../core/files";
import { readRecord, type BotRecord } from "./bot-record";

/** The bots of this machine on disk. Whoever writes holds the lock of the bots (`paths.botsLock`). */
export class BotStore {
  constructor(private readonly folder: string) {}

  /** All records, by account. Files that hold something else are left alone. */
  list(): BotRecord[] {
    return this.files().flatMap((file) => {
      const raw = readJsonFile(join(this.folder, file));
      const record = raw === undefined ? undefined : readRecord(raw);
      return record === undefined || `${record.account}.json` !== file ? [] : [record];
    });
  }

  find(account: string): BotRecord | undefined {
    const raw = readJsonFile(this.path(account));
    return raw === undefined ? undefined : readRecord(raw);
  }

  /** Throws the fs error. */
  save(record: BotRecord): void {
    writeFileAtomic(this.path(record.account), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Forgets a bot's credentials. */
  remove(account: string): void {
    removeFile(this.path(account));
  }

  /** Deletes what a bot's Hermes kept. */
  removeRuntime(account: string): void {
    rmSync(this.runtimeFolder(account), { recursive: true, force: true });
  }

  /** Where a bot's Hermes keeps its data, readable by this user only. */
  runtimeFolder(account: string): string {
    return join(this.folder, `${account}.hermes`);
  }

  makeRuntimeFolder(account: string): string {
    const folder = this.runtimeFolder(account);
    ensurePrivateDir(folder);
    return folder;
  }

  /** Changes whenever a record does, whoever wrote it. */
  stamp(): string {
    return this.files()
      .map((file) => `${file}:${fileStamp(join(this.folder, file))}`)
      .join("|");
  }

  private files(): string[] {
    try {
      return readdirSync(this.folder)
        .filter((file) => file.endsWith(".json"))
        .sort();
    } catch {
      return [];
    }
  }

  private path(account: string): string {
    return join(this.folder, `${account}.json`);
  }
}
