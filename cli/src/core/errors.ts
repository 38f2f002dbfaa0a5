/** Exit codes of every command; `sett help exit-codes` prints them. */
export const EXIT = {
  ok: 0,
  general: 1,
  usage: 2,
  notLoggedIn: 3,
  unreachable: 4,
  refused: 5,
  problems: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: ReadonlyArray<readonly [ExitCode, string]> = [
  [EXIT.ok, "done"],
  [EXIT.general, "failed on this machine (the message says why)"],
  [EXIT.usage, "the command line or the config file is wrong"],
  [EXIT.notLoggedIn, "not logged in, or the token has been revoked or has expired: sett login"],
  [EXIT.unreachable, "the server cannot be reached"],
  [EXIT.refused, "the server refused the request (4xx), the machine was deleted, or another daemon took it over"],
  [EXIT.problems, "partly done: doctor found problems, a restart failed, or a wait timed out"],
];

/** An error that ends the command: a sentence for people, what to do next, and the exit code. */
export class CliError extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    readonly hint?: string,
    /** Stable short name for `--json` output. */
    readonly code: string = "error",
    /** The HTTP status that it stands for. */
    readonly status?: number,
  ) {
    super(message);
    this.name = "CliError";
  }
}

/** The message of anything thrown, including the cause that fetch hides behind "fetch failed". */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  return error.message;
}
