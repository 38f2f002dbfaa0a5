/** When a process that keeps ending is started again, and when that stops. Pure: times are given in. */
export interface CrashLoopPolicy {
  readonly baseMs: number;
  readonly capMs: number;
  /** This many unexpected exits inside the window end the attempts. */
  readonly limit: number;
  readonly windowMs: number;
  /** A run at least this long makes the next delay start from the base again. */
  readonly stableMs: number;
}

export const CRASH_LOOP_POLICY: CrashLoopPolicy = { baseMs: 1_000, capMs: 60_000, limit: 5, windowMs: 300_000, stableMs: 60_000 };

export interface CrashLoopState {
  /** Times (ms) of unexpected exits inside the window. */
  readonly exits: readonly number[];
  /** Delays given since the last stable run. */
  readonly delays: number;
}

export const NO_CRASHES: CrashLoopState = { exits: [], delays: 0 };

export type CrashDecision = { readonly act: "restart"; readonly delayMs: number } | { readonly act: "give_up"; readonly crashes: number };

/** What to do after an unexpected exit at `now` of a process that ran for `ranMs`. */
export function afterExit(
  state: CrashLoopState,
  now: number,
  ranMs: number,
  policy: CrashLoopPolicy = CRASH_LOOP_POLICY,
): { readonly state: CrashLoopState; readonly decision: CrashDecision } {
  const exits = [...state.exits.filter((at) => now - at < policy.windowMs), now];
  const delays = ranMs >= policy.stableMs ? 0 : state.delays;
  if (exits.length >= policy.limit) return { state: { exits, delays }, decision: { act: "give_up", crashes: exits.length } };
  const delayMs = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(delays, 30));
  return { state: { exits, delays: delays + 1 }, decision: { act: "restart", delayMs } };
}

export type RestartPolicy = "always" | "on-crash" | "never";

/** Whether an exit the daemon did not ask for is a crash, and whether the policy brings the process back. */
export function judgeExit(policy: RestartPolicy, code: number | null, signal: string | null): { readonly crashed: boolean; readonly restart: boolean } {
  const clean = code === 0 && signal === null;
  if (policy === "always") return { crashed: !clean, restart: true };
  return { crashed: !clean, restart: policy === "on-crash" && !clean };
}
