import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SERVE = fileURLToPath(import.meta.resolve("./serve.mjs"));

export interface StartedAgent {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** As a power cut of the host: it says goodbye to nobody. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts an agent whose machines are below `stateDir`. Its environment holds a secret that no machine may see. */
export async function startAgent(stateDir: string): Promise<StartedAgent> {
  const child = spawn(process.execPath, [SERVE, stateDir], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, OPERATORS_SECRET: "hunter2" } });
  const exited = once(child, "exit");
  let text = "";
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  const { url, token } = JSON.parse(text) as { readonly url: string; readonly token: string };
  return {
    url,
    token,
    pid: child.pid ?? 0,
    async kill(signal = "SIGKILL") {
      child.kill(signal);
      await exited;
    },
  };
}

/** Pids of live processes that name `text` in their command line or environment: a machine's folder, or its id. */
export function processesOf(text: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return [];
      return `${readFileSync(`/proc/${name}/cmdline`, "utf8")}\0${readFileSync(`/proc/${name}/environ`, "utf8")}`.includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Waits until `check` answers something that is neither false nor undefined. */
export async function until<T>(check: () => T | Promise<T>, limitMs = 10_000): Promise<NonNullable<T>> {
  for (const end = Date.now() + limitMs; ; ) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${check.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
