/** Jittered exponential back-off. Pure apart from the random source, which is injected. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
  /** 0..1, uniform. */
  readonly random?: () => number;
}

export class Backoff {
  private attempts = 0;

  constructor(private readonly options: BackoffOptions) {}

  /**
   * Milliseconds to wait before the next attempt: between half and all of base × 2^attempts, never above the cap.
   * Never zero, so a fleet that lost one server does not come back in one instant.
   */
  next(): number {
    const full = Math.min(this.options.capMs, this.options.baseMs * 2 ** Math.min(this.attempts, 30));
    this.attempts += 1;
    const random = this.options.random ?? Math.random;
    return Math.round(full / 2 + (full / 2) * random());
  }

  reset(): void {
    this.attempts = 0;
  }
}

/** Waits; ends early (without throwing) when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** The promise's value, or undefined when it takes longer than `ms`. The promise itself goes on. */
export async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The promise's value, or undefined as soon as the signal aborts. The promise itself goes on; its failure is then nobody's. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const done = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    done.abort();
    promise.catch(() => undefined);
  }
}
