import { Backoff, sleep } from "../core/backoff";
import { errorText } from "../core/errors";
import type { Logger } from "../core/log";
import type { Command, CommandResult } from "../link/frames";
import type { Delivery } from "../link/link";
import { EXECUTABLE } from "./execute-command";
import type { Journal } from "./journal";

export interface CommandSender {
  ack(id: string): Promise<Delivery>;
  result(id: string, result: CommandResult): Promise<Delivery>;
}

export interface CommandRunnerOptions {
  readonly journal: Journal;
  readonly log: Logger;
  /** Does the work. Never called twice for one id, in this life or a later one. */
  execute(command: Command): Promise<CommandResult>;
  /** The open link, or undefined. */
  sender(): CommandSender | undefined;
  onCommand(command: Command): void;
  onResult(id: string, type: string, result: CommandResult, delivered: boolean): void;
  /** Begins paused. */
  readonly paused?: boolean;
  readonly retry?: { readonly baseMs: number; readonly capMs: number };
}

export const INTERRUPTED: CommandResult = { status: "failed", result: "interrupted: the daemon stopped while this ran", new_version: null };

/**
 * Acknowledges, executes and reports commands: each id is executed at most once, ever, and each outcome is sent until
 * the server takes it or refuses it. The journal is on disk before the acknowledgement and before the execution.
 */
export class CommandRunner {
  private readonly queue: Command[] = [];
  /** Ids whose acknowledgement is not confirmed yet. */
  private readonly unacked = new Set<string>();
  private working: Promise<void> | undefined;
  private sending: Promise<void> | undefined;
  private stopped = false;
  private paused: boolean;
  private readonly stopSignal = new AbortController();
  /** Ends the pause between two tries early, when there is news. */
  private wake: AbortController | undefined;

  constructor(private readonly options: CommandRunnerOptions) {
    const { journal } = options;
    this.paused = options.paused === true;
    for (const entry of journal.list("started")) journal.done(entry.id, INTERRUPTED);
    for (const entry of journal.list("received")) {
      this.unacked.add(entry.id);
      this.queue.push({ id: entry.id, type: entry.type, payload: entry.payload ?? {} });
    }
    this.work();
  }

  /** Takes commands from any transport, new or delivered again. Synchronous up to the journal write. */
  receive(commands: readonly Command[]): void {
    // Neither written down nor acknowledged, so the server gives them again once this machine may work.
    if (this.paused) return;
    for (const command of commands) this.receiveOne(command);
    this.flush();
  }

  private receiveOne(command: Command): void {
    const { journal, log } = this.options;
    const entry = journal.find(command.id);
    if (entry === undefined) {
      try {
        journal.received(EXECUTABLE.has(command.type) ? command : { ...command, payload: {} });
      } catch (error) {
        // Not acknowledged, so the server sends it again; executing it unrecorded might do it twice.
        log.error("command.journal.failed", { id: command.id, error });
        return;
      }
      this.queue.push(command);
      this.options.onCommand(command);
    }
    this.unacked.add(command.id);
    // Delivered again after its result: the server has not got the result, whatever we believed.
    if (entry?.state === "delivered" && entry.result !== undefined) this.resend(entry.id, entry.result);
  }

  private resend(id: string, result: CommandResult): void {
    try {
      this.options.journal.done(id, result);
    } catch (error) {
      this.options.log.error("command.journal.failed", { id, error });
    }
  }

  /** Executes nothing and takes nothing on while paused; what was acknowledged before waits. */
  setPaused(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.work();
  }

  /** Sends what waits; called when a link opens and when something new waits. */
  flush(): void {
    this.wake?.abort();
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
      // What came in during the last moments of the round.
      if (!this.stopped && this.options.sender() !== undefined && this.hasWaiting()) this.flush();
    });
    this.work();
  }

  /** Waits until nothing runs and nothing waits to be sent, at most `limitMs`. True when all is sent. */
  async drain(limitMs: number): Promise<boolean> {
    const until = Date.now() + limitMs;
    while (Date.now() < until) {
      if (this.working === undefined && !this.hasWaiting()) return true;
      await sleep(20);
    }
    return this.working === undefined && !this.hasWaiting();
  }

  stop(): void {
    this.stopped = true;
    this.stopSignal.abort();
    this.wake?.abort();
  }

  private hasWaiting(): boolean {
    return this.unacked.size > 0 || this.options.journal.list("done").length > 0;
  }

  private async sendAll(): Promise<void> {
    const backoff = new Backoff(this.options.retry ?? { baseMs: 500, capMs: 30_000 });
    while (!this.stopped && this.hasWaiting()) {
      const sender = this.options.sender();
      if (sender === undefined) return;
      let failed = false;
      for (const id of this.unacked) failed = !(await this.sendAck(sender, id)) || failed;
      this.work();
      for (const { id, type, result } of this.options.journal.list("done")) {
        // A journal mended by hand may lack the result; what it was is unknown, like after an interruption.
        failed = !(await this.sendResult(sender, id, type, result ?? INTERRUPTED)) || failed;
      }
      if (!failed) continue;
      this.wake = new AbortController();
      await sleep(backoff.next(), this.wake.signal);
      this.wake = undefined;
    }
  }

  private async sendAck(sender: CommandSender, id: string): Promise<boolean> {
    const state = this.options.journal.find(id)?.state;
    // A result says more than an acknowledgement, and the server takes it without one.
    if (state === "done" || state === "delivered") {
      this.unacked.delete(id);
      return true;
    }
    const delivery = await sender.ack(id);
    if (delivery.kind === "retry") return false;
    this.unacked.delete(id);
    const over = delivery.kind === "ok" && ["expired", "cancelled", "success", "failed"].includes(delivery.status ?? "");
    if (delivery.kind === "refused" || over) this.dropUnbegun(id, delivery.kind === "refused" ? delivery.detail || delivery.code : (delivery.status ?? ""));
    return true;
  }

  /** The server no longer wants it (expired, deleted, unknown). Once begun, it is too late to drop it. */
  private dropUnbegun(id: string, why: string): void {
    const index = this.queue.findIndex((command) => command.id === id);
    if (index === -1) return;
    this.queue.splice(index, 1);
    this.options.journal.delivered(id);
    this.options.log.warn("command.dropped", { id, why });
  }

  private async sendResult(sender: CommandSender, id: string, type: string, result: CommandResult): Promise<boolean> {
    const delivery = await sender.result(id, result);
    if (delivery.kind === "retry") return false;
    try {
      this.options.journal.delivered(id);
    } catch (error) {
      this.options.log.error("command.journal.failed", { id, error });
      return false;
    }
    if (delivery.kind === "refused") this.options.log.warn("command.result.refused", { id, code: delivery.code, detail: delivery.detail });
    this.options.onResult(id, type, result, true);
    return true;
  }

  /** Executes one after the other whatever is acknowledged. */
  private work(): void {
    this.working ??= this.workAll().finally(() => (this.working = undefined));
  }

  private async workAll(): Promise<void> {
    while (!this.stopped && !this.paused) {
      const index = this.queue.findIndex((command) => !this.unacked.has(command.id));
      const command = index === -1 ? undefined : this.queue.splice(index, 1)[0];
      if (command === undefined) return;
      const { journal, log } = this.options;
      try {
        journal.started(command.id);
      } catch (error) {
        log.error("command.journal.failed", { id: command.id, error });
        this.queue.push(command);
        await sleep(5_000, this.stopSignal.signal);
        continue;
      }
      const result = await this.run(command);
      try {
        journal.done(command.id, result);
      } catch (error) {
        log.error("command.journal.failed", { id: command.id, error });
      }
      this.options.onResult(command.id, command.type, result, false);
      this.flush();
    }
  }

  private async run(command: Command): Promise<CommandResult> {
    try {
      return await this.options.execute(command);
    } catch (error) {
      return { status: "failed", result: `the daemon failed: ${errorText(error)}`, new_version: null };
    }
  }
}
