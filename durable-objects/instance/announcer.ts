import { newId } from "../../src/kernel/ids/ids";
import type { ObjectBindings } from "../../src/kernel/context";
import { describeError, type Logger } from "../../src/kernel/logging/logger";
import type { Job } from "../../src/kernel/ports/services";
import { accountFeedObject } from "../stubs";
import type { MachineEvent, MachineReport } from "../account-feed/account-feed.rpc";
import { isProjectedOnline, type Machine } from "./instance.store";

export interface AnnouncerBindings extends ObjectBindings {
  readonly JOBS: Queue<Job>;
}

/** What a call of the feed brought back; null when it failed. */
export type Watching = { readonly watchUntil: number; readonly paceMs: number } | null;

/** Tells the account's feed, and D1 through the queue, what changed. Counts its calls, so that tests can hold the budget. */
export class Announcer {
  feedCalls = 0;
  readonly #bindings: AnnouncerBindings;
  readonly #log: Logger;

  constructor(bindings: AnnouncerBindings, log: Logger) {
    this.#bindings = bindings;
    this.#log = log;
  }

  /** Shows a summary and events to the feed. */
  async report(userId: number, report: MachineReport): Promise<Watching> {
    this.feedCalls++;
    try {
      return await accountFeedObject(this.#bindings, userId).report(userId, report);
    } catch (error) {
      this.#log.warn("the feed took no report", { event: "instance.report.failed", ...describeError(error) });
      return null;
    }
  }

  /** Offers an event to streams that named no machine. */
  async publish(userId: number, event: MachineEvent, instanceId: string, keep: boolean): Promise<void> {
    this.feedCalls++;
    try {
      await accountFeedObject(this.#bindings, userId).publish(userId, event, instanceId, keep);
    } catch (error) {
      this.#log.warn("the feed took no event", { event: "instance.publish.failed", ...describeError(error) });
    }
  }

  /** Has streams that named no machine forget the commands that they could replay. @throws Error when the feed cannot be reached */
  async withdrawCommands(userId: number): Promise<void> {
    this.feedCalls++;
    await accountFeedObject(this.#bindings, userId).withdrawCommands(userId);
  }

  /** Moves D1's online flag, through the queue and on transitions only. False when the queue did not take it. */
  async project(machine: Machine, now: number): Promise<boolean> {
    const online = isProjectedOnline(machine);
    if (machine.projectedOnline === online) return true;
    const { userId, instanceId } = machine.ref;
    try {
      await this.#bindings.JOBS.send({ v: 1, id: newId("job", now), type: "instance.project", payload: { userId, instanceId, online, at: now } });
      machine.projectedOnline = online;
      return true;
    } catch (error) {
      this.#log.warn("the projection was not enqueued", { event: "instance.project.failed", ...describeError(error) });
      return false;
    }
  }
}
