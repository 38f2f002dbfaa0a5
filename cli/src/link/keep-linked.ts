import { Backoff, sleep, unlessAborted } from "../core/backoff";
import { climb, currentTransport, transportFailed, transportWorks, type Ladder, type Transport } from "./ladder";
import { OpenError, type Link, type LinkEnd, type LinkTimings, type OpenFailure } from "./link";
import type { Fatal } from "./frames";

export interface KeepLinkedOptions {
  readonly ladder: Ladder;
  readonly timings: LinkTimings;
  readonly signal: AbortSignal;
  /** Opens one link; rejects with OpenError. */
  open(transport: Transport): Promise<Link>;
  /** Whether the server answers plain HTTP now, to tell a dead server from a blocked transport. */
  serverAnswers(): Promise<boolean>;
  onUp(link: Link): void;
  onDown(transport: Transport, detail: string): void;
  onWait(transport: Transport, detail: string, waitMs: number): void;
}

/** A longer Retry-After than this is taken for a mistake. */
const RETRY_AFTER_MAX_MS = 300_000;

/** Keeps one link open for as long as the signal allows, on the best transport that works. Returns what ended it for good. */
export async function keepLinked(options: KeepLinkedOptions): Promise<Fatal | undefined> {
  const { timings, signal } = options;
  const backoff = new Backoff({ baseMs: timings.backoffBaseMs, capMs: timings.backoffCapMs });
  let ladder = options.ladder;
  let climbAt = Number.POSITIVE_INFINITY;
  const blame = (): void => {
    const before = ladder.level;
    ladder = transportFailed(ladder);
    if (ladder.level === before) return;
    climbAt = Date.now() + timings.climbMs;
    backoff.reset();
  };
  while (!signal.aborted) {
    const transport = currentTransport(ladder);
    let link: Link | undefined;
    const opening = options.open(transport);
    try {
      link = await unlessAborted(opening, signal);
    } catch (error) {
      const failure: OpenFailure = error instanceof OpenError ? error.failure : { kind: "unclear", detail: String(error) };
      if (failure.kind === "fatal") return failure.fatal;
      if (await isTransportsFault(failure, options)) blame();
      const retryMs = failure.kind === "busy" ? Math.min(failure.retryMs ?? 0, RETRY_AFTER_MAX_MS) : 0;
      await pause(options, transport, failure.detail, Math.max(retryMs, backoff.next()));
      continue;
    }
    if (link === undefined || signal.aborted) {
      void opening.then(
        (late) => late.close(),
        () => undefined,
      );
      return undefined;
    }
    const openedAt = Date.now();
    options.onUp(link);
    const end = await linkEnd(link, ladder.level > 0 ? climbAt - Date.now() : undefined, signal);
    if (end === "stop") return undefined;
    if (end === "climb") {
      options.onDown(transport, "trying a better transport");
      link.close();
      ladder = climb(ladder);
      climbAt = Date.now() + timings.climbMs;
      continue;
    }
    if (end.kind === "fatal") {
      options.onDown(transport, end.fatal.detail);
      return end.fatal;
    }
    options.onDown(transport, end.detail);
    if (Date.now() - openedAt >= timings.shortLifeMs) {
      ladder = transportWorks(ladder);
      backoff.reset();
    } else if (transport !== "beats" && (await options.serverAnswers())) {
      blame();
    }
    await pause(options, transport, end.detail, backoff.next());
  }
  return undefined;
}

async function pause(options: KeepLinkedOptions, transport: Transport, detail: string, waitMs: number): Promise<void> {
  if (options.signal.aborted) return;
  options.onWait(transport, detail, waitMs);
  await sleep(waitMs, options.signal);
}

async function isTransportsFault(failure: OpenFailure, options: KeepLinkedOptions): Promise<boolean> {
  if (failure.kind === "unsupported") return true;
  // "unclear" may be a server that is just going down or coming up; only a server that answers proves otherwise.
  return failure.kind === "unclear" && (await options.serverAnswers());
}

async function linkEnd(link: Link, climbInMs: number | undefined, signal: AbortSignal): Promise<LinkEnd | "climb" | "stop"> {
  const timer = new AbortController();
  const stopped = new Promise<"stop">((resolve) => {
    if (signal.aborted) resolve("stop");
    signal.addEventListener("abort", () => resolve("stop"), { once: true, signal: timer.signal });
  });
  const contenders: Array<Promise<LinkEnd | "climb" | "stop">> = [link.closed, stopped];
  if (climbInMs !== undefined) {
    const wait = Math.min(Math.max(0, climbInMs), 2_000_000_000);
    const climbing = async (): Promise<LinkEnd | "climb"> => {
      await sleep(wait, timer.signal);
      return timer.signal.aborted ? link.closed : "climb";
    };
    contenders.push(climbing());
  }
  try {
    return await Promise.race(contenders);
  } finally {
    timer.abort();
  }
}
