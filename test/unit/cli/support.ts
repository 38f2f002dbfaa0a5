import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../../../cli/src/watch/process-info";

/** A fresh folder and how to remove it. */
export function temporaryHome(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "sett-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Waits until `look` gives something truthy and returns it. The limit only keeps a broken test from hanging. */
export async function eventually<T>(what: string, look: () => T | undefined | null | false | 0 | Promise<T | undefined | null | false | 0>, limitMs = 15_000): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (Date.now() > until) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Whether a process runs; one that ended and was not reaped does not. */
export function pidExists(pid: number): boolean {
  return identify(pid) !== undefined;
}

/** A process that runs until it is told to end. */
export const IDLE_COMMAND = [process.execPath, "-e", "console.log('up', process.pid); setInterval(() => {}, 1000)"] as const;
