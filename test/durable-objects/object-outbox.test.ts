import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AlarmTable } from "../../durable-objects/shared/alarm-table";
import { CountedSql } from "../../durable-objects/shared/counted-sql";
import { FIRST_RESEND_MS, ObjectOutbox, OUTBOX_SQL, PROJECT_ALARM } from "../../durable-objects/shared/object-outbox";
import type { NewEntry, SourceRef } from "../../durable-objects/shared/object-outbox.rpc";
import { createLogger } from "../../src/kernel/logging/logger";
import type { Job } from "../../src/kernel/ports/services";
import { uniqueName } from "../support/client";

/** The outbox of objects alone: a storage, an alarm and a queue that the test holds. */

const { INSTANCE_DO } = env as unknown as { INSTANCE_DO: DurableObjectNamespace };
const START = 1_800_000_000_000;
const REF: SourceRef = { object: "tenant", name: "acme" };
const entryOf = (key: string, revision = 1): NewEntry => ({ kind: "tenant", key, revision, snapshot: { key }, audit: null });

interface Bench {
  readonly storage: DurableObjectStorage;
  /** An outbox as a wake-up finds it. */
  wake(): Promise<{ readonly outbox: ObjectOutbox; readonly alarms: AlarmTable<typeof PROJECT_ALARM> }>;
  readonly sent: Job[];
  queue: "takes" | "refuses";
}

const onBench = (work: (bench: Bench) => Promise<void>): Promise<void> =>
  runInDurableObject(INSTANCE_DO.getByName(uniqueName("bare")), async (_, { storage }) => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    storage.sql.exec(OUTBOX_SQL);
    const sent: Job[] = [];
    const bench: Bench = {
      storage,
      sent,
      queue: "takes",
      async wake() {
        const sql = new CountedSql(storage.sql);
        const alarms = new AlarmTable<typeof PROJECT_ALARM>(storage, sql);
        const jobs = {
          send: async (job: Job) => {
            if (bench.queue === "refuses") throw new Error("the queue is down");
            sent.push(job);
          },
        } as unknown as Queue<Job>;
        const outbox = new ObjectOutbox<never>({ storage, sql, alarms, jobs, log: createLogger({}, () => undefined) });
        await alarms.load();
        outbox.resume();
        return { outbox, alarms };
      },
    };
    await work(bench);
    await storage.deleteAlarm();
    await storage.deleteAll();
  });

/** The alarm fires `ms` later, as the object's `alarm()` does it. */
async function fire(bench: Bench, now: number): Promise<void> {
  vi.setSystemTime(now);
  await bench.storage.deleteAlarm();
  const { outbox, alarms } = await bench.wake();
  if (alarms.listDue(now).length > 0) await outbox.resend(REF, now);
  await alarms.settle();
}

afterEach(() => vi.useRealTimers());

describe("an object's outbox", () => {
  it("keeps an entry with its change, or neither, and wakes for it", () =>
    onBench(async ({ storage, wake }) => {
      const { outbox } = await wake();
      storage.sql.exec("CREATE TABLE spec (value TEXT)");
      expect(() =>
        outbox.transact((add) => {
          storage.sql.exec("INSERT INTO spec VALUES ('half')");
          add(entryOf("acme"));
          throw new Error("killed");
        }),
      ).toThrow("killed");
      expect([outbox.pending(10), storage.sql.exec("SELECT * FROM spec").toArray(), await storage.getAlarm()]).toEqual([[], [], null]);
      const entry = outbox.transact((add) => {
        storage.sql.exec("INSERT INTO spec VALUES ('whole')");
        return add(entryOf("acme"));
      });
      expect(entry).toMatchObject({ key: "acme", revision: 1, at: START, seq: 1 });
      expect(outbox.pending(10)).toEqual([entry]);
      expect(await storage.getAlarm()).toBe(START + FIRST_RESEND_MS);
    }));

  it("shows what is open, oldest first, until it is acknowledged, and never uses a number twice", () =>
    onBench(async ({ wake }) => {
      const { outbox } = await wake();
      const [a, b, c] = ["a", "b", "c"].map((key) => outbox.transact((add) => add(entryOf(key))));
      expect(new Set([a, b, c].map((entry) => entry?.source)).size).toBe(3);
      outbox.ack([b?.seq ?? 0, 999]);
      expect(outbox.pending(10)).toEqual([a, c]);
      expect(outbox.pending(1)).toEqual([a]);
      outbox.ack([a?.seq ?? 0, c?.seq ?? 0]);
      expect(outbox.pending(10)).toEqual([]);
      expect(outbox.transact((add) => add(entryOf("d"))).seq).toBe(4);
    }));

  it("asks the queue when nobody acknowledges: one job for all, ever more rarely, across evictions", () =>
    onBench(async (bench) => {
      const { outbox } = await bench.wake();
      const [first] = ["a", "b"].map((key) => outbox.transact((add) => add(entryOf(key))));
      let now = START;
      const waits: number[] = [];
      for (let i = 0; i < 4; i++) {
        const due = await bench.storage.getAlarm();
        waits.push((due ?? 0) - now);
        now = due ?? 0;
        await fire(bench, now);
      }
      expect(waits).toEqual([5_000, 10_000, 20_000, 40_000]);
      expect(bench.sent.map(({ id, type, payload }) => ({ id, type, payload }))).toEqual([1, 2, 3, 4].map((attempt) => ({ id: `project:${first?.source}:${attempt}`, type: "governance.project", payload: REF })));
    }));

  it("sends under the same id when the platform repeats an alarm that had sent already", () =>
    onBench(async (bench) => {
      const { outbox } = await bench.wake();
      outbox.transact((add) => add(entryOf("a")));
      const before = bench.storage.sql.exec<{ seq: number; attempts: number; due_at: number }>("SELECT seq, attempts, due_at FROM outbox").one();
      await fire(bench, START + FIRST_RESEND_MS);
      // The isolate died after the send: what it would have noted is not there.
      bench.storage.sql.exec("UPDATE outbox SET attempts = ?, due_at = ?", before.attempts, before.due_at);
      await fire(bench, START + FIRST_RESEND_MS + 1_000);
      expect(bench.sent).toHaveLength(2);
      expect(bench.sent[0]?.id).toBe(bench.sent[1]?.id);
    }));

  it("goes on when the queue takes nothing", () =>
    onBench(async (bench) => {
      const { outbox } = await bench.wake();
      outbox.transact((add) => add(entryOf("a")));
      bench.queue = "refuses";
      await fire(bench, START + FIRST_RESEND_MS);
      expect(bench.sent).toEqual([]);
      const due = await bench.storage.getAlarm();
      expect(due).toBeGreaterThan(START + FIRST_RESEND_MS);
      bench.queue = "takes";
      await fire(bench, due ?? 0);
      expect(bench.sent).toHaveLength(1);
    }));

  it("sleeps when all is acknowledged", () =>
    onBench(async (bench) => {
      const { outbox } = await bench.wake();
      const { seq } = outbox.transact((add) => add(entryOf("a")));
      outbox.ack([seq]);
      await fire(bench, START + FIRST_RESEND_MS);
      expect([bench.sent.length, await bench.storage.getAlarm()]).toEqual([0, null]);
    }));
});
