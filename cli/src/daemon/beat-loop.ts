import { Backoff } from "../core/backoff";
import type { Beat } from "../core/api-types";
import type { Link } from "../link/link";
import { BEAT_MS, beatChange, nextBeatAt, type Pace } from "./beat";

export interface BeatLoopOptions {
  build(): Beat;
  onSent(reason: string, beat: Beat): void;
  onRefused(detail: string): void;
  readonly now?: () => number;
}

/** More waiting changes than this are history nobody needs; the oldest go. */
const QUEUE_MAX = 20;
const MEMORY_BEAT_MIN_MS = 60_000;

/**
 * Sends beats over the open link: at once when it opens, on every change in order (a crash is told even if the process
 * is back a second later), and at the pace the server asks for. One beat is in flight at a time.
 */
export class BeatLoop {
  private link: Link | undefined;
  private readonly queue: Array<{ readonly reason: string; readonly beat: Beat }> = [];
  /** The newest beat handed over for sending; changes are measured against it. */
  private newest: Beat | undefined;
  private lastAt = Number.NEGATIVE_INFINITY;
  private intervalMs = BEAT_MS;
  private pace: Pace | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sending = false;
  private readonly retry = new Backoff({ baseMs: 1_000, capMs: 30_000 });
  private readonly now: () => number;

  constructor(private readonly options: BeatLoopOptions) {
    this.now = options.now ?? Date.now;
  }

  /** A link opened: everything is said afresh on it. `said` = a beat it was opened with. */
  linkUp(link: Link, said: Beat | undefined): void {
    this.link = link;
    this.queue.length = 0;
    this.retry.reset();
    this.newest = said;
    if (said === undefined) this.enqueue("connected", this.options.build());
    else this.lastAt = this.now();
    this.schedule();
  }

  linkDown(): void {
    this.link = undefined;
    this.queue.length = 0;
    this.pace = undefined;
    clearTimeout(this.timer);
  }

  setInterval(ms: number): void {
    this.intervalMs = Math.min(ms, BEAT_MS);
    this.schedule();
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    this.schedule();
  }

  /** Something may have changed: sends a beat if it did. Without a link nothing is kept: the next one starts afresh. */
  changed(): void {
    if (this.link === undefined) return;
    const beat = this.options.build();
    const reason = beatChange(this.newest, beat);
    if (reason === undefined) return;
    if (reason === "memory" && this.now() - this.lastAt < MEMORY_BEAT_MIN_MS) return;
    this.enqueue(reason, beat);
  }

  /** Sends everything again, changed or not. */
  sayAll(reason: string): void {
    if (this.link !== undefined) this.enqueue(reason, this.options.build());
  }

  private enqueue(reason: string, beat: Beat): void {
    this.newest = beat;
    this.queue.push({ reason, beat });
    if (this.queue.length > QUEUE_MAX) this.queue.shift();
    void this.send();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.link === undefined || this.sending) return;
    const now = this.now();
    const at = nextBeatAt(Number.isFinite(this.lastAt) ? this.lastAt : now, this.intervalMs, this.pace, now);
    this.timer = setTimeout(() => this.sayAll("due"), Math.max(0, at - now));
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      for (let next = this.queue[0]; next !== undefined && this.link !== undefined; next = this.queue[0]) {
        const link = this.link;
        const delivery = await link.beat(next.beat);
        if (link !== this.link) continue;
        if (delivery.kind === "retry") {
          // The link may be ending; if it lives on, try again a little later.
          await new Promise((resolve) => setTimeout(resolve, this.retry.next()));
          continue;
        }
        this.retry.reset();
        if (this.queue[0] === next) this.queue.shift();
        this.lastAt = this.now();
        if (delivery.kind === "ok") this.options.onSent(next.reason, next.beat);
        else this.options.onRefused(delivery.detail || delivery.code);
      }
    } finally {
      this.sending = false;
      this.schedule();
    }
  }
}
