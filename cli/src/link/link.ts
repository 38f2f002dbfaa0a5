import type { Beat, ContractRef } from "../core/api-types";
import type { Command, CommandResult, Fatal } from "./frames";
import type { Transport } from "./ladder";
import type { JsonObject } from "../core/json";

/** What became of something sent: taken, refused for good, or not known to have arrived. */
export type Delivery =
  | { readonly kind: "ok"; readonly status: string | undefined }
  | { readonly kind: "refused"; readonly code: string; readonly detail: string }
  | { readonly kind: "retry"; readonly detail: string };

export type LinkEnd = { readonly kind: "lost"; readonly detail: string } | { readonly kind: "fatal"; readonly fatal: Fatal };

/** What a link tells its owner while it is open. */
export interface LinkHooks {
  onCommands(commands: readonly Command[]): void;
  /** An event that is not a command. `resync` means: events were missed, say everything again. */
  onEvent(type: string, data: JsonObject): void;
  /** The newest event id seen, to resume from. */
  onEventId(id: string): void;
  onPace(beatMs: number, until: number | undefined): void;
  /** The server's wish for the regular interval between beats. */
  onInterval(ms: number): void;
  /** The contract that the server has for this machine, with the answer to a beat. */
  onContract(contract: ContractRef): void;
}

/** One open connection, whatever carries it. */
export interface Link {
  readonly transport: Transport;
  /** Settles once, when the link is over. Never rejects. */
  readonly closed: Promise<LinkEnd>;
  beat(beat: Beat): Promise<Delivery>;
  ack(id: string): Promise<Delivery>;
  result(id: string, result: CommandResult): Promise<Delivery>;
  /** Leaves on purpose: offline at once. Ends within `limitMs`, also when the server does not answer. */
  goodbye(limitMs: number): Promise<void>;
  /** Drops the connection without a word. */
  close(): void;
}

export type OpenFailure =
  | { readonly kind: "unsupported"; readonly detail: string }
  | { readonly kind: "unclear"; readonly detail: string }
  | { readonly kind: "unreachable"; readonly detail: string }
  | { readonly kind: "busy"; readonly detail: string; readonly retryMs: number | undefined }
  | { readonly kind: "fatal"; readonly detail: string; readonly fatal: Fatal };

/** A link that could not be opened, and whose fault it is. */
export class OpenError extends Error {
  constructor(readonly failure: OpenFailure) {
    super(failure.detail);
    this.name = "OpenError";
  }
}

export interface LinkTimings {
  readonly pingMs: number;
  readonly pongWaitMs: number;
  readonly openMs: number;
  readonly answerMs: number;
  /** A stream silent for this long is dead: the server comments every 10 s. */
  readonly streamSilenceMs: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** How often a better transport is tried while on a lesser one. */
  readonly climbMs: number;
  readonly shortLifeMs: number;
}

export const LINK_TIMINGS: LinkTimings = {
  pingMs: 30_000,
  pongWaitMs: 10_000,
  openMs: 15_000,
  answerMs: 15_000,
  streamSilenceMs: 35_000,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  climbMs: 600_000,
  shortLifeMs: 10_000,
};

/** How an HTTP answer to an attempt to open a link is to be read. */
export function openFailureFromStatus(status: number, detail: string, fatal: Fatal | undefined, retryMs: number | undefined): OpenFailure {
  const text = `the server answered ${status}${detail === "" ? "" : `: ${detail}`}`;
  if (fatal !== undefined) return { kind: "fatal", detail: text, fatal };
  if (status === 503 || status === 429) return { kind: "busy", detail: text, retryMs };
  if (status >= 500 && status !== 501) return { kind: "unclear", detail: text };
  return { kind: "unsupported", detail: text };
}
