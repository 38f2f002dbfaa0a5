import { env } from "cloudflare:workers";
import type { Env } from "../../../src/env";
import type { Job } from "../../../src/kernel/ports/services";

/**
 * Time and the queue, in the hands of a test. Tests, worker and objects are one isolate: what is moved here moves for all of them, save for
 * timers, D1 and the provider.
 */

export const bindings = env as unknown as Env;

/** Outside of tests' time. */
export const realNow = Date.now.bind(Date);
let ahead = 0;

/** A job on its way. */
export interface Sent {
  readonly job: Job;
  /** ms */
  dueAt: number;
  attempts: number;
}

let listener: ((sent: Sent) => void) | null = null;

const queue = Object.getPrototypeOf(bindings.JOBS) as { send(body: Job, options?: { readonly delaySeconds?: number }): Promise<unknown> };
const realSend = queue.send;
const LEVELS = ["log", "warn", "error", "info"] as const;
const realConsole = LEVELS.map((level) => [level, console[level]] as const);

/** What anybody wrote to the log since {@link takeOver}. */
export const logged: string[] = [];

/** From now on jobs come to `listen` instead of the platform's queue, logs are kept, and {@link pass} makes time pass. */
export function takeOver(listen: (sent: Sent) => void): void {
  listener = listen;
  Date.now = () => realNow() + ahead;
  queue.send = async (job, options) => {
    put(job, options?.delaySeconds ?? 0);
  };
  for (const level of LEVELS) console[level] = (...words: unknown[]) => void logged.push(words.map(String).join(" "));
}

export function put(job: Job, delaySeconds: number): void {
  listener?.({ job, dueAt: Date.now() + Math.ceil(delaySeconds) * 1_000, attempts: 0 });
}

/** Gives everything back. */
export function handBack(): void {
  listener = null;
  Date.now = realNow;
  queue.send = realSend;
  for (const [level, write] of realConsole) console[level] = write;
}

/** Moves everybody's clock, only ever forward. @param to ms */
export function pass(to: number): void {
  ahead = Math.max(ahead, to - realNow());
}
