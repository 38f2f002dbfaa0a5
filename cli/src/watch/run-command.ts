import { spawn } from "node:child_process";

export interface CommandOutput {
  readonly code: number | null;
  readonly timedOut: boolean;
  /** The last few thousand characters of stdout and stderr together. */
  readonly tail: string;
  readonly stdout: string;
}

export interface RunExtra {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Given on stdin: what must not be seen in a process list. */
  readonly input?: string;
}

const TAIL_CHARS = 4_000;
const STDOUT_CHARS = 262_144;

/** Runs a short command without a shell, time-limited; never rejects. A missing program is code 127. */
export function runCommand(argv: readonly string[], limitMs: number, extra: RunExtra = {}): Promise<CommandOutput> {
  return new Promise((resolve) => {
    const [program, ...args] = argv;
    const child = spawn(program ?? "", args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...extra.env },
      detached: true,
      ...(extra.cwd === undefined ? {} : { cwd: extra.cwd }),
    });
    let tail = "";
    let stdout = "";
    let timedOut = false;
    const finish = (code: number | null): void => {
      clearTimeout(timer);
      clearTimeout(linger);
      resolve({ code, timedOut, tail: tail.trim(), stdout });
    };
    let linger: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid === undefined) return finish(null);
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        child.kill("SIGKILL");
      }
    }, limitMs);
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(extra.input ?? "");
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARS);
      stdout = (stdout + text).slice(0, STDOUT_CHARS);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARS);
    });
    child.on("error", (error) => {
      tail = (tail + error.message).slice(-TAIL_CHARS);
      finish(127);
    });
    // A service it started may hold the pipes open for ever: its own exit is what counts.
    child.on("exit", (code) => {
      linger = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        finish(code);
      }, 300);
    });
    child.on("close", (code) => finish(code));
  });
}
