import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { ensurePrivateDir, readText, writeFileAtomic } from "../core/files";
import { isObject, parseJson, stringField, type JsonObject } from "../core/json";
import type { Command, CommandResult } from "../link/frames";

export const JOURNAL_KEEP = 1_000;
const COMPACT_AT_LINES = JOURNAL_KEEP * 6;

/**
 * received: known, not begun (safe to begin). started: begun, outcome unknown if the daemon died now.
 * done: outcome known, not yet accepted by the server. delivered: accepted, or refused for good.
 */
export type JournalState = "received" | "started" | "done" | "delivered";

export interface JournalEntry {
  readonly id: string;
  readonly type: string;
  readonly state: JournalState;
  /** Kept only until the command has begun. */
  readonly payload?: JsonObject;
  readonly result?: CommandResult;
}

/** The journal's contents after reading its lines; broken lines (a torn last write) are skipped. Pure. */
export function readJournalLines(text: string): Map<string, JournalEntry> {
  const entries = new Map<string, JournalEntry>();
  for (const line of text.split("\n")) {
    const raw = line === "" ? undefined : parseJson(line);
    if (!isObject(raw)) continue;
    const id = stringField(raw, "id");
    const state = raw["state"];
    if (id === undefined || (state !== "received" && state !== "started" && state !== "done" && state !== "delivered")) continue;
    entries.set(id, mergeEntry(entries.get(id), id, state, raw));
  }
  return entries;
}

function mergeEntry(before: JournalEntry | undefined, id: string, state: JournalState, raw: JsonObject): JournalEntry {
  const type = stringField(raw, "type") ?? before?.type ?? "unknown";
  const result = parseResult(raw["result"]) ?? before?.result;
  const payload = state === "received" && isObject(raw["payload"]) ? raw["payload"] : undefined;
  return { id, type, state, ...(result === undefined ? {} : { result }), ...(payload === undefined ? {} : { payload }) };
}

function parseResult(raw: unknown): CommandResult | undefined {
  if (!isObject(raw)) return undefined;
  const status = raw["status"];
  if (status !== "success" && status !== "failed") return undefined;
  return { status, result: stringField(raw, "result") ?? "", new_version: stringField(raw, "new_version") ?? null };
}

/** The entries to keep: the newest `keep`, and every older one the server does not know the outcome of. Pure. */
export function trimJournal(entries: ReadonlyMap<string, JournalEntry>, keep: number = JOURNAL_KEEP): Map<string, JournalEntry> {
  const excess = entries.size - keep;
  let index = 0;
  const kept = new Map<string, JournalEntry>();
  for (const [id, entry] of entries) {
    if (index >= excess || entry.state !== "delivered") kept.set(id, entry);
    index += 1;
  }
  return kept;
}

/** Append-only file of command outcomes; every line is on disk before the call returns. Throws the fs error. */
export class Journal {
  private entries: Map<string, JournalEntry>;
  private fd: number;
  private lines: number;

  constructor(private readonly path: string) {
    ensurePrivateDir(dirname(path));
    this.entries = trimJournal(readJournalLines(readText(path) ?? ""));
    // Rewriting at the start also mends a torn last line, which a later append would otherwise run into.
    this.lines = this.rewrite();
    this.fd = openSync(path, "a", 0o600);
  }

  find(id: string): JournalEntry | undefined {
    return this.entries.get(id);
  }

  /** Entries in one state, oldest first. */
  list(state: JournalState): JournalEntry[] {
    return [...this.entries.values()].filter((entry) => entry.state === state);
  }

  received(command: Command): void {
    this.append({ id: command.id, type: command.type, state: "received", payload: command.payload });
  }

  started(id: string): void {
    this.append({ id, type: this.entries.get(id)?.type ?? "unknown", state: "started" });
  }

  done(id: string, result: CommandResult): void {
    this.append({ id, type: this.entries.get(id)?.type ?? "unknown", state: "done", result });
  }

  delivered(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.state === "delivered") return;
    this.append({ id, type: entry.type, state: "delivered" }, entry.result);
  }

  close(): void {
    closeSync(this.fd);
  }

  private append(entry: JournalEntry, keepResult?: CommandResult): void {
    writeSync(this.fd, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.fd);
    this.entries.set(entry.id, keepResult === undefined ? entry : { ...entry, result: keepResult });
    this.lines += 1;
    if (this.lines < COMPACT_AT_LINES) return;
    this.entries = trimJournal(this.entries);
    this.lines = this.rewrite();
    closeSync(this.fd);
    this.fd = openSync(this.path, "a", 0o600);
  }

  private rewrite(): number {
    const lines = [...this.entries.values()].map((entry) => `${JSON.stringify(entry)}\n`);
    writeFileAtomic(this.path, lines.join(""));
    return lines.length;
  }
}
