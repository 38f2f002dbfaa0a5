import { EXIT, type CliError, type ExitCode } from "../core/errors";
import type { Fatal } from "../link/frames";

export interface DaemonEnd {
  readonly exitCode: ExitCode;
  readonly message: string | undefined;
  readonly hint: string | undefined;
  /** The new program to hand over to after an update. */
  readonly handover: readonly string[] | undefined;
}

/** How a daemon's end looks to whoever started it. Pure. */
export function describeEnd(fatal: Fatal | undefined, failure: CliError | undefined, handover: readonly string[] | undefined): DaemonEnd {
  if (failure !== undefined) return { exitCode: failure.exitCode, message: failure.message, hint: failure.hint, handover: undefined };
  if (fatal === undefined) return { exitCode: EXIT.ok, message: undefined, hint: undefined, handover };
  const hints: Record<Fatal["code"], string> = {
    token_dead: "Run: sett login, then sett up",
    gone: "To bring it back, run sett up again: that registers it anew.",
    replaced: "Only one daemon may speak for a machine. To take it back, run sett up here again.",
    refused: "Log in with a token made for this machine: sett login",
  };
  const exitCode = fatal.code === "token_dead" ? EXIT.notLoggedIn : EXIT.refused;
  return { exitCode, message: fatal.detail, hint: hints[fatal.code], handover: undefined };
}
