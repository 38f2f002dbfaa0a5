import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AccountFeedDO } from "../../durable-objects/account-feed/account-feed-do";
import { AlarmTable } from "../../durable-objects/shared/alarm-table";
import { CountedSql } from "../../durable-objects/shared/counted-sql";
import { EventLog } from "../../durable-objects/shared/event-log";
import { hasTables, migrateObject, type ObjectMigration } from "../../durable-objects/shared/migrate";
import type { InstanceRpc } from "../../durable-objects/instance/instance.rpc";
import type { MachineSummary } from "../../durable-objects/instance/machine.rpc";
import { expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../support/client";
import { beat, beatOf, feedOf, objectOf, registerMachine, SocketClient, StreamClient } from "../support/machines";

/** Storage, alarms and links of the objects across evictions and failures. */

const { INSTANCE_DO } = env as unknown as { INSTANCE_DO: DurableObjectNamespace };

/** The storage of an object that nobody else uses. */
const inFreshObject = <T>(work: (state: DurableObjectState) => Promise<T> | T): Promise<T> => runInDurableObject(INSTANCE_DO.getByName(uniqueName("bare")), (_, state) => work(state));

const rpc = (stub: DurableObjectStub): InstanceRpc => stub as unknown as InstanceRpc;
const summaryOf = (user: TestUser, instanceId: string): Promise<MachineSummary | null> => rpc(objectOf(user, instanceId)).getSummary({ userId: user.userId, instanceId });
const tablesOf = (stub: DurableObjectStub): Promise<unknown[]> => runInDurableObject(stub, (_, state) => state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray());
const physicalAlarm = (stub: DurableObjectStub): Promise<number | null> => runInDurableObject(stub, (_, state) => state.storage.getAlarm());

/** A beat's fields as a socket carries them. */
function frameOf(instanceId: string, overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { instance_id: _, ...fields } = beatOf(instanceId, overrides);
  return { t: "beat", ...fields };
}

/** Runs `work` as if it were `ms` later. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("an object's migrations", () => {
  const one: ObjectMigration = { id: "0001_a", sql: "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)" };
  const two: ObjectMigration = { id: "0002_b", sql: "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1" };

  it("run once each, in order, from whatever was applied before", () =>
    inFreshObject(({ storage }) => {
      expect(hasTables(storage.sql)).toBe(false);
      for (const list of [[one], [one], [one, two], [one, two]]) migrateObject(storage, list);
      expect(storage.sql.exec("SELECT x, y FROM a").toArray()).toEqual([{ x: 1, y: 2 }]);
      expect(storage.sql.exec("SELECT id FROM object_migrations ORDER BY rowid").toArray()).toEqual([{ id: "0001_a" }, { id: "0002_b" }]);
    }));

  it("throw when an applied step was renamed, removed, moved or preceded", () =>
    inFreshObject(({ storage }) => {
      migrateObject(storage, [one, two]);
      const renamed = { ...one, id: "0001_other" };
      for (const list of [[renamed, two], [one], [], [two, one], [{ id: "0000_new", sql: "" }, one, two]]) expect(() => migrateObject(storage, list)).toThrow(/object migration 000\d_\w+ was applied/);
      expect(() => migrateObject(storage, [one, two])).not.toThrow();
    }));

  it("keep all of a list or nothing: a broken step leaves what was before", () =>
    inFreshObject(({ storage }) => {
      migrateObject(storage, [one]);
      const broken: ObjectMigration = { id: "0003_broken", sql: "CREATE TABLE c (z INTEGER); INSERT INTO nowhere VALUES (1)" };
      expect(() => migrateObject(storage, [one, two, broken])).toThrow();
      expect(storage.sql.exec("SELECT id FROM object_migrations").toArray()).toEqual([{ id: "0001_a" }]);
      expect(() => storage.sql.exec("SELECT y FROM a")).toThrow();
      migrateObject(storage, [one, two]);
      expect(storage.sql.exec("SELECT y FROM a").toArray()).toEqual([{ y: 2 }]);
    }));
});

describe("the alarm table", () => {
  /** Far enough that the platform fires nothing while a test runs. */
  const SOON = Date.now() + 3_600_000;
  const inTable = <T>(work: (storage: DurableObjectStorage, open: () => Promise<{ table: AlarmTable<string>; sql: CountedSql }>) => Promise<T>): Promise<T> =>
    inFreshObject(async ({ storage }) => {
      storage.sql.exec("CREATE TABLE alarms (subject INTEGER NOT NULL, reason TEXT NOT NULL, due_at INTEGER NOT NULL, PRIMARY KEY (subject, reason)) WITHOUT ROWID");
      try {
        return await work(storage, async () => {
          const sql = new CountedSql(storage.sql);
          const table = new AlarmTable<string>(storage, sql);
          await table.load();
          await table.heal();
          return { table, sql };
        });
      } finally {
        await storage.deleteAlarm();
      }
    });

  it("writes nothing for arming what is armed, and the physical alarm only when an earlier one comes", () =>
    inTable(async (storage, open) => {
      const { table, sql } = await open();
      await table.arm(1, "silence", SOON + 5_000);
      expect([sql.rowsWritten, table.alarmsSet]).toEqual([1, 1]);
      for (let i = 0; i < 10; i++) await table.arm(1, "silence", SOON + 5_000);
      expect([sql.rowsWritten, table.alarmsSet]).toEqual([1, 1]);
      await table.arm(2, "silence", SOON + 9_000);
      expect([sql.rowsWritten, table.alarmsSet]).toEqual([2, 1]);
      await table.arm(2, "grace", SOON);
      expect([sql.rowsWritten, table.alarmsSet]).toEqual([3, 2]);
      expect(await storage.getAlarm()).toBe(SOON);
      table.disarm(9, "nothing");
      expect(sql.rowsWritten).toBe(3);
    }));

  it("lists what is due, earliest first, and repeats it after a crash until it is disarmed or moved", () =>
    inTable(async (_, open) => {
      const { table } = await open();
      await table.arm(1, "silence", SOON + 2_000);
      await table.arm(2, "grace", SOON + 1_000);
      await table.arm(3, "silence", SOON + 3_001);
      const due = [{ subject: 2, reason: "grace" }, { subject: 1, reason: "silence" }];
      expect(table.listDue(SOON)).toEqual([]);
      expect(table.listDue(SOON + 3_000)).toEqual(due);
      // The object dies here; another one wakes with the same table.
      const { table: reborn } = await open();
      expect(reborn.listDue(SOON + 3_000)).toEqual(due);
      reborn.disarm(2, "grace");
      await reborn.arm(1, "silence", SOON + 9_000);
      expect(reborn.listDue(SOON + 3_000)).toEqual([]);
      expect((await open()).table.listDue(SOON + 9_000)).toEqual([{ subject: 3, reason: "silence" }, { subject: 1, reason: "silence" }]);
    }));

  it("keeps a due time that can be worked out again without a row, and hands it to a table that woke", () =>
    inTable(async (storage, open) => {
      const { table, sql } = await open();
      await table.armDerived(1, "silence", SOON);
      expect([sql.rowsWritten, table.alarmsSet, await storage.getAlarm()]).toEqual([0, 1, SOON]);
      expect(table.listDue(SOON)).toEqual([{ subject: 1, reason: "silence" }]);
      table.disarm(1, "silence");
      expect([sql.rowsWritten, table.dueAt(1, "silence")]).toEqual([0, null]);
      const { table: reborn } = await open();
      expect(reborn.listDue(SOON)).toEqual([]);
      reborn.restoreDerived(1, "silence", SOON);
      expect([reborn.listDue(SOON).length, reborn.alarmsSet]).toEqual([1, 0]);
    }));

  it("arms the earliest again once the physical alarm was spent, or got lost", () =>
    inTable(async (storage, open) => {
      const { table } = await open();
      await table.arm(1, "a", SOON);
      await table.arm(1, "b", SOON + 1_000);
      await storage.deleteAlarm();
      table.disarm(1, "a");
      await table.settle();
      expect(await storage.getAlarm()).toBe(SOON + 1_000);
      await storage.deleteAlarm();
      const { table: reborn } = await open();
      expect(await storage.getAlarm()).toBe(SOON + 1_000);
      expect(reborn.alarmsSet).toBe(1);
      expect((await open()).table.alarmsSet).toBe(0);
    }));
});

describe("the event log", () => {
  const KEEP = 1_000;
  const inLog = <T>(work: (log: EventLog, storage: DurableObjectStorage) => T): Promise<T> =>
    inFreshObject(({ storage }) => {
      storage.sql.exec("CREATE TABLE events (seq INTEGER PRIMARY KEY, subject INTEGER NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL)");
      return work(new EventLog(new CountedSql(storage.sql), "events", KEEP), storage);
    });
  const idsAfter = (log: EventLog, subject: number, lastId: number) => {
    const replay = log.replay(subject, lastId);
    return replay.kind === "events" ? replay.events.map((event) => event.id) : replay;
  };

  it("replays exactly what came after, of one subject", () =>
    inLog((log) => {
      expect([log.head(), idsAfter(log, 1, 0)]).toEqual([0, []]);
      for (let i = 1; i <= 20; i++) expect(log.append(i % 2, { n: i }, 0)).toEqual({ id: i, data: { n: i } });
      expect(log.head()).toBe(20);
      expect(idsAfter(log, 1, 14)).toEqual([15, 17, 19]);
      expect(idsAfter(log, 1, 20)).toEqual([]);
      expect(log.replay(0, 19)).toEqual({ kind: "events", events: [{ id: 20, data: { n: 20 } }] });
    }));

  it("stays bounded, and says resync to whoever is further behind, or ahead", () =>
    inLog((log, { sql }) => {
      for (let i = 0; i < 10_000; i++) log.append(1, { n: i }, 0);
      const { kept, tail } = sql.exec<{ kept: number; tail: number }>("SELECT COUNT(*) AS kept, MIN(seq) AS tail FROM events").one();
      expect(kept).toBeGreaterThanOrEqual(KEEP);
      expect(kept).toBeLessThanOrEqual(KEEP + 100);
      for (const lastId of [0, 1, tail - 2, 10_001, 999_999]) expect(log.replay(1, lastId)).toEqual({ kind: "resync", head: 10_000 });
      expect(idsAfter(log, 1, tail - 1)).toHaveLength(kept);
      expect(idsAfter(log, 1, 9_998)).toEqual([9_999, 10_000]);
      // After a resync the client continues from the head.
      log.append(1, {}, 0);
      expect(idsAfter(log, 1, 10_000)).toEqual([10_001]);
    }));
});

describe("a machine's object", () => {
  it("keeps link and state across an eviction with an open socket", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const socket = await SocketClient.open(id, token);
    socket.send(frameOf(id, { mem_free_mb: 321 }));
    await socket.until("beat.ok");
    const before = await summaryOf(user, id);
    await evictDurableObject(objectOf(user, id));
    expect(await summaryOf(user, id)).toEqual(before);
    expect(before).toMatchObject({ link: "socket", isOnline: true, memFreeMb: 321 });
    const { id: commandId } = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: id, command_type: "update_cli" } });
    expect(await socket.until("event")).toMatchObject({ data: { id: commandId } });
    socket.close();
  });

  it("arms a grace for a link that a crash took, and goes offline when it does not come back", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id);
    const socket = await SocketClient.open(id, user.accessToken);
    socket.send(frameOf(id));
    await socket.until("beat.ok");
    await evictDurableObject(stub, { webSockets: "close" });
    expect(await summaryOf(user, id)).toMatchObject({ link: "none", reachable: true });
    expect(await physicalAlarm(stub)).toBeLessThanOrEqual(Date.now() + 10_000);
    await later(11_000, () => runDurableObjectAlarm(stub));
    expect(await summaryOf(user, id)).toMatchObject({ reachable: false, isOnline: false, offlineReason: "link_lost" });
  });

  it("gives a dropped link its grace, however long ago its last full beat was", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    // Over a socket full beats are fifteen minutes apart; pings show that the machine lives.
    const socket = await later(-600_000, async () => {
      const opened = await SocketClient.open(id, user.accessToken);
      opened.send(frameOf(id));
      await opened.until("beat.ok");
      return opened;
    });
    socket.send("ping");
    await socket.until("pong");
    expect(await summaryOf(user, id)).toMatchObject({ reachable: true, link: "socket" });
    socket.close(1001);
    await vi.waitFor(async () => expect(await summaryOf(user, id)).toMatchObject({ link: "none" }));
    expect(await summaryOf(user, id)).toMatchObject({ reachable: true, offlineReason: null });
    const again = await SocketClient.open(id, user.accessToken);
    expect(await summaryOf(user, id)).toMatchObject({ reachable: true, link: "socket" });
    again.close();
  });

  it("arms a lost alarm again after an eviction, and notices silence by it alone", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id);
    await beat(user.accessToken, id);
    await runInDurableObject(stub, (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(stub);
    expect(await summaryOf(user, id)).toMatchObject({ reachable: true });
    expect(await physicalAlarm(stub)).not.toBeNull();
    await later(76_000, () => runDurableObjectAlarm(stub));
    expect(await summaryOf(user, id)).toMatchObject({ reachable: false, offlineReason: "silence" });
  });

  it("moves its silence with the beats: an alarm that fires in between changes nothing", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id);
    await beat(user.accessToken, id);
    await later(60_000, () => beat(user.accessToken, id));
    await later(76_000, () => runDurableObjectAlarm(stub));
    expect(await later(76_000, () => summaryOf(user, id))).toMatchObject({ reachable: true });
    await later(136_000, () => runDurableObjectAlarm(stub));
    expect(await summaryOf(user, id)).toMatchObject({ reachable: false, offlineReason: "silence" });
  });

  it("repeats its news until the feed has heard them", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id);
    const listed = async () => (await expectStatus<{ machines: MachineSummary[] }>(200, "GET", "/api/v1/dashboard/machines", { token: user.accessToken })).machines[0];
    await beat(user.accessToken, id);
    const report = vi.spyOn(AccountFeedDO.prototype, "report").mockRejectedValue(new Error("the feed is down"));
    await beat(user.accessToken, id, { gateway_status: "crashed" });
    expect(report).toHaveBeenCalled();
    for (const wait of [5_000, 11_000]) {
      const calls = report.mock.calls.length;
      await later(wait, () => runDurableObjectAlarm(stub));
      expect(report.mock.calls.length).toBeGreaterThan(calls);
    }
    report.mockRestore();
    // Even when the object slept meanwhile.
    await evictDurableObject(stub);
    await later(17_000, () => runDurableObjectAlarm(stub));
    expect(await listed()).toMatchObject({ gatewayStatus: "crashed", isOnline: false, reachable: true });
    const heard = vi.spyOn(AccountFeedDO.prototype, "report");
    await later(30_000, () => runDurableObjectAlarm(stub));
    expect(heard).not.toHaveBeenCalled();
  });

  it("is emptied by a purge, even one that comes while a beat is telling its news", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id);
    const ref = { userId: user.userId, instanceId: id };
    const socket = await SocketClient.open(id, user.accessToken);
    await socket.until("hello");
    const original = AccountFeedDO.prototype.report;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const report = vi.spyOn(AccountFeedDO.prototype, "report").mockImplementation(async function (this: AccountFeedDO, ...args) {
      await held;
      return original.apply(this, args);
    });
    const beating = rpc(stub).beat(ref, { tokenId: null, expiresAt: null }, { ...beatOf(id), watched: null, capabilities: null } as never);
    const outcome = beating.then(
      (answer) => answer.kind,
      (error: unknown) => String(error),
    );
    await vi.waitFor(() => expect(report).toHaveBeenCalled());
    await rpc(stub).purge(ref);
    release();
    expect(await outcome).toBe("ok");
    expect(await socket.untilClosed()).toMatchObject({ code: 4410 });
    expect(await tablesOf(stub)).toEqual([]);
    expect(await physicalAlarm(stub)).toBeNull();
    expect(await rpc(stub).getSummary(ref)).toBeNull();
    await rpc(stub).purge(ref);
    await registerMachine(user, { instance_id: id });
    expect(await summaryOf(user, id)).toMatchObject({ reachable: false, lastHeartbeat: null });
  });

  it("keeps one socket and three streams, and closes the older ones", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const first = await SocketClient.open(id, user.accessToken);
    const second = await SocketClient.open(id, user.accessToken);
    expect(await first.untilClosed()).toMatchObject({ code: 4409 });
    const streams = [];
    for (let i = 0; i < 4; i++) streams.push(await StreamClient.open(`/api/v1/openclaw/events?instance_id=${id}`, user.accessToken));
    expect(await streams[0]?.next()).toBeNull();
    const { id: commandId } = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: id, command_type: "update_cli" } });
    for (const stream of streams.slice(1)) expect(await stream.next()).toMatchObject({ data: { id: commandId } });
    expect(await second.until("event")).toMatchObject({ data: { id: commandId } });
    expect(await summaryOf(user, id)).toMatchObject({ link: "socket" });
    for (const stream of streams.slice(1)) await stream.close();
    second.close();
  });
});

describe("an account's feed", () => {
  it("remembers its machines and its log across an eviction, and asks them for fresh numbers", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    await beat(user.accessToken, id, { mem_free_mb: 11 });
    await beat(user.accessToken, id, { mem_free_mb: 22 });
    await evictDurableObject(feedOf(user));
    const { machines } = await expectStatus<{ machines: MachineSummary[] }>(200, "GET", "/api/v1/dashboard/machines", { token: user.accessToken });
    expect(machines).toMatchObject([{ instanceId: id, isOnline: true, memFreeMb: 22 }]);
    expect(await expectStatus(200, "GET", "/api/v1/dashboard/overview", { token: user.accessToken })).toMatchObject({ totalMachines: 1, onlineMachines: 1 });
  });

  it("stores nothing for an account that has no machine", async () => {
    const user = await signUpUser();
    await expectStatus(200, "GET", "/api/v1/dashboard/machines", { token: user.accessToken });
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", user.accessToken, { "last-event-id": "7" });
    expect(await dashboard.next()).toMatchObject({ data: { type: "heartbeat.update", overview: { totalMachines: 0 }, machines: [] } });
    await dashboard.close();
    expect(await tablesOf(feedOf(user))).toEqual([]);
  });

  it("keeps the newest of two reports, whichever comes last", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    await beat(user.accessToken, id);
    const feed = feedOf(user) as unknown as { report(userId: number, report: unknown): Promise<unknown>; getOverview(userId: number): Promise<unknown> };
    const summary = await summaryOf(user, id);
    const seq = Date.now() + 10_000;
    await feed.report(user.userId, { seq, summary: { ...summary, isOnline: false, reachable: false }, events: [], notable: true });
    await feed.report(user.userId, { seq: seq - 1, summary, events: [], notable: true });
    expect(await feed.getOverview(user.userId)).toMatchObject({ totalMachines: 1, onlineMachines: 0 });
  });

  it("does not bring a removed machine back by news that were overtaken", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    await beat(user.accessToken, id);
    const feed = feedOf(user) as unknown as { report(userId: number, report: unknown): Promise<unknown>; removeMachine(userId: number, instanceId: string): Promise<void>; listMachines(userId: number): Promise<unknown[]> };
    const late = { seq: Date.now(), summary: { ...(await summaryOf(user, id)), reachable: false }, events: [], notable: true };
    await feed.removeMachine(user.userId, id);
    await feed.report(user.userId, late);
    expect(await feed.listMachines(user.userId)).toEqual([]);
    await feed.report(user.userId, { ...late, seq: Date.now() + 10_000 });
    expect(await feed.listMachines(user.userId)).toMatchObject([{ instanceId: id }]);
  });
});
