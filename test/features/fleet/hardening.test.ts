import { createExecutionContext, createMessageBatch, createScheduledController, getQueueResult, type QueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import { effectHandlers } from "../../../src/effects";
import { readEnv, type Env } from "../../../src/env";
import type { Ctx } from "../../../src/kernel/context";
import { issueAccessToken } from "../../../src/kernel/auth/access-token";
import { LostUpdateError, Plan, retryLostUpdate } from "../../../src/kernel/db/client";
import { consumeMessage, type JobHandlers } from "../../../src/kernel/jobs/consume";
import { deliverEffect, listDueEffects, type EffectHandlers } from "../../../src/kernel/outbox/drain";
import { sealEffect } from "../../../src/kernel/outbox/effects";
import type { Job } from "../../../src/kernel/ports/services";
import { handleQueue } from "../../../src/queues";
import { instances } from "../../../src/schema/instances";
import { api, expectStatus, mailsTo, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, beatOf, registerMachine, SocketClient } from "../../support/machines";

/** What happens twice, late, out of order, at once, or not at all. */

const bindings = env as unknown as Env;
const { DB } = bindings;
const NOWHERE = { waitUntil: () => undefined };

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A system context whose clock goes `ms` ahead. */
const contextAt = (ms: number): Ctx => ({ ...createSystemContext(bindings, NOWHERE, "test", uniqueName("req")), log: silent, clock: { now: () => Date.now() + ms } });
const rowOf = <T>(table: string, id: string): Promise<T | null> => DB.prepare(`SELECT * FROM ${table} WHERE id = ?`).bind(id).first<T>();

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

interface OutboxRow {
  readonly attempts: number;
  readonly due_at: number;
  readonly last_error: string | null;
  readonly parked_at: number | null;
}

describe("the outbox", () => {
  const put = async (type: string, payload: unknown): Promise<string> => {
    const { id, statement } = await sealEffect(contextAt(0), { type, payload });
    await contextAt(0).db.batch([statement]);
    return id;
  };
  const mailTo = (to: string) => put("mail.send", { to, subject: "s", text: "t", html: "h" });

  it("sends a mail that failed once, when the sweep finds it, and once though its job comes twice", async () => {
    const to = `${uniqueName()}@example.org`;
    const id = await mailTo(to);
    let tries = 0;
    const flaky: EffectHandlers = { "mail.send": async () => async () => Promise.reject(new Error(`provider is down ${++tries}`)) };
    await deliverEffect(contextAt(0), flaky, id);
    expect(await rowOf<OutboxRow>("outbox", id)).toMatchObject({ attempts: 1, last_error: "provider is down 1", parked_at: null });
    await deliverEffect(contextAt(0), flaky, id);
    expect(tries).toBe(1);

    const jobs: Job[] = [];
    const tick = { cron: "* * * * *", scheduledTime: new Date(Date.now() + 60_000) };
    await later(6_000, () => handleScheduled(createScheduledController(tick), { ...bindings, JOBS: { send: async (job: Job) => void jobs.push(job) } as unknown as Queue }, NOWHERE));
    const job = jobs.find((one) => one.payload === id);
    expect(job).toMatchObject({ v: 1, type: "outbox.deliver" });
    const twice = [1, 2].map((n) => ({ id: uniqueName("msg"), timestamp: new Date(), attempts: n, body: job }));
    await later(6_000, () => consume("sett-jobs", twice));
    expect(await mailsTo(to)).toHaveLength(1);
    expect(await rowOf("outbox", id)).toBeNull();
  });

  it("lets one of many deliver an effect", async () => {
    const id = await put("count", {});
    let runs = 0;
    const counting: EffectHandlers = { count: async () => async () => void runs++ };
    await Promise.all(Array.from({ length: 8 }, () => deliverEffect(contextAt(0), counting, id)));
    expect(runs).toBe(1);
  });

  it("takes an effect over from a worker that died with it", async () => {
    const id = await put("count", {});
    await DB.prepare("UPDATE outbox SET attempts = 1, due_at = ? WHERE id = ?").bind(Date.now() + 60_000, id).run();
    const counting = vi.fn(async () => undefined);
    await deliverEffect(contextAt(59_000), { count: async () => counting }, id);
    expect(counting).not.toHaveBeenCalled();
    await deliverEffect(contextAt(61_000), { count: async () => counting }, id);
    expect(counting).toHaveBeenCalledWith(expect.anything(), {}, id);
  });

  it("parks what never works, whatever the reason, and leaves it alone", async () => {
    const failing: EffectHandlers = { broken: async () => async () => Promise.reject(new Error("no")) };
    const [broken, homeless, unreadable] = [await put("broken", 1), await put("nobody.handles", 1), await put("broken", 1)];
    await DB.prepare("UPDATE outbox SET payload = 'v1.zz.AAAA.AAAA' WHERE id = ?").bind(unreadable).run();
    for (let hour = 0; hour < 12; hour++) {
      for (const id of [broken, homeless, unreadable]) {
        expect((await rowOf<OutboxRow>("outbox", id))?.parked_at).toBeNull();
        await deliverEffect(contextAt(hour * 3_600_000), failing, id);
      }
    }
    expect(await rowOf<OutboxRow>("outbox", broken)).toMatchObject({ attempts: 12, last_error: "no", parked_at: expect.any(Number) });
    expect((await rowOf<OutboxRow>("outbox", homeless))?.last_error).toContain("nobody.handles");
    expect((await rowOf<OutboxRow>("outbox", unreadable))?.last_error).toContain("does not open");
    const due = await listDueEffects(contextAt(1e12), 1_000);
    for (const id of [broken, homeless, unreadable]) expect(due).not.toContain(id);
    await deliverEffect(contextAt(1e12), failing, broken);
    expect((await rowOf<OutboxRow>("outbox", broken))?.attempts).toBe(12);
  });

  it("can load every handler of its table", async () => {
    expect(Object.keys(effectHandlers).length).toBeGreaterThan(0);
    for (const [type, load] of Object.entries(effectHandlers)) expect(typeof (await load()), type).toBe("function");
  });
});

/** Hands a batch to the worker's own queue handler, or to handlers of the test's. */
async function consume(queue: string, messages: Parameters<typeof createMessageBatch>[1], handlers?: JobHandlers, onRetry?: (options?: QueueRetryOptions) => void): Promise<QueueResult> {
  const batch = createMessageBatch(queue, messages);
  const ctx = createExecutionContext();
  if (!handlers) await handleQueue(batch, bindings, ctx);
  for (const message of handlers ? batch.messages : []) {
    const retry = vi.spyOn(message, "retry");
    await consumeMessage(contextAt(0), handlers ?? {}, message, false);
    for (const [options] of retry.mock.calls) onRetry?.(options);
  }
  return getQueueResult(batch, ctx);
}

describe("the queue", () => {
  const message = (body: unknown, attempts = 1) => ({ id: uniqueName("msg"), timestamp: new Date(), attempts, body });
  const job = (type: string, payload: unknown): Job => ({ v: 1, id: uniqueName("job"), type, payload });
  const online = async (instanceId: string): Promise<number | null> => DB.prepare("SELECT online FROM instances WHERE instance_id = ?").bind(instanceId).first<number>("online");

  it("buries what is no job, acknowledges it, and still does the rest of its batch", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const bad = [message(null), message("text"), message({ v: 2, id: "x", type: "instance.project", payload: {} }), message(job("no.such.type", 1)), message(job("instance.project", { userId: "me" }))];
    const good = message(job("instance.project", { userId: user.userId, instanceId: id, online: false, at: Date.now() + 1_000 }));
    const outcome = await consume("sett-jobs", [...bad, good]);
    expect(outcome.explicitAcks.toSorted()).toEqual([...bad, good].map((one) => one.id).toSorted());
    expect(outcome.retryMessages).toEqual([]);
    expect(await online(id)).toBe(0);
    for (const { id: messageId, body } of bad) {
      const buried = (body as Partial<Job> | null)?.v === 1 ? (body as Job).id : messageId;
      expect(await rowOf("dead_letters", buried), JSON.stringify(body)).toMatchObject({ payload: JSON.stringify(body), reason: expect.stringMatching(/./) });
    }
  });

  it("tries a failed job again, later each time, and acknowledges its neighbours", async () => {
    const work = vi.fn(async (_: Ctx, payload: unknown) => {
      if (payload === "fail") throw new Error("not now");
    });
    const handlers: JobHandlers = { work: async () => work };
    const [first, tenth, fine] = [message(job("work", "fail"), 1), message(job("work", "fail"), 10), message(job("work", "fine"))];
    const delays: unknown[] = [];
    const outcome = await consume("sett-jobs", [first, tenth, fine], handlers, (options) => delays.push(options?.delaySeconds));
    expect(outcome.explicitAcks).toEqual([fine.id]);
    expect(outcome.retryMessages.map((one) => one.msgId)).toEqual([first.id, tenth.id]);
    expect(delays).toEqual([10, 600]);
    // The same delivery again: the failed one runs, the done one does not.
    await consume("sett-jobs", [first, fine], handlers);
    expect(work.mock.calls.map(([, payload]) => payload)).toEqual(["fail", "fail", "fine", "fail"]);
  });

  it("keeps what used up its retries for people, without running it", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const spent = message(job("instance.project", { userId: user.userId, instanceId: id, online: false, at: Date.now() + 1_000 }));
    const outcome = await consume("sett-jobs-dead", [spent]);
    expect(outcome.explicitAcks).toEqual([spent.id]);
    expect(await online(id)).toBe(1);
    expect(await rowOf("dead_letters", (spent.body as Job).id)).toMatchObject({ type: "instance.project", reason: "retries are used up" });
  });

  it("lets the newest projection win, in whatever order they come, and none raise the dead", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const at = Date.now() + 1_000;
    const project = (isOnline: boolean, when: number, instanceId = id) => message(job("instance.project", { userId: user.userId, instanceId, online: isOnline, at: when }));
    await consume("sett-jobs", [project(true, at + 2), project(false, at + 1)]);
    expect(await online(id)).toBe(1);
    await consume("sett-jobs", [project(false, at + 3), project(true, at), project(true, at + 2)]);
    expect(await online(id)).toBe(0);
    const stranger = await signUpUser();
    await consume("sett-jobs", [message(job("instance.project", { userId: stranger.userId, instanceId: id, online: true, at: at + 9 }))]);
    expect(await online(id)).toBe(0);
    const nobody = uniqueName("nobody");
    expect((await consume("sett-jobs", [project(true, at, nobody)])).explicitAcks).toHaveLength(1);
    expect(await online(nobody)).toBeNull();
  });
});

describe("a cron tick", () => {
  it("runs once, however often and however concurrently it fires", async () => {
    const { id, statement } = await sealEffect(contextAt(0), { type: "mail.send", payload: {} });
    await contextAt(0).db.batch([statement]);
    const sent: unknown[] = [];
    const counting: Env = { ...bindings, JOBS: { send: async (job: Job) => void sent.push(job.payload) } as unknown as Queue };
    const fire = (scheduledTime: number, cron = "* * * * *") => later(1_000, () => handleScheduled(createScheduledController({ cron, scheduledTime: new Date(scheduledTime) }), counting, NOWHERE));
    const at = Date.now() + 7_200_000;
    await Promise.all([fire(at), fire(at), fire(at)]);
    await fire(at);
    expect(sent.filter((payload) => payload === id)).toHaveLength(1);
    await fire(at + 60_000);
    expect(sent.filter((payload) => payload === id)).toHaveLength(2);
    await fire(at + 60_000, "no such cron");
  });

  it("forgets old rows and keeps young ones", async () => {
    const day = 86_400_000;
    const [old, young] = [uniqueName("old"), uniqueName("young")];
    for (const [id, age] of [[old, 8 * day], [young, day]] as const) await DB.prepare("INSERT INTO processed_messages (id, handled_at) VALUES (?, ?)").bind(id, Date.now() - age).run();
    await handleScheduled(createScheduledController({ cron: "17 * * * *", scheduledTime: new Date(Date.now() + 9_000_000) }), bindings, NOWHERE);
    expect([await rowOf("processed_messages", old), await rowOf("processed_messages", young)]).toEqual([null, expect.anything()]);
  });
});

describe("an Idempotency-Key", () => {
  const mint = (user: TestUser, key: string, name: string) => api("POST", "/api/v1/user/cli-tokens", { token: user.accessToken, headers: { "idempotency-key": key }, body: { name, expires_in: "1h" } });

  it("makes one of many requests at once, and answers the others the same or to wait", async () => {
    const user = await signUpUser();
    const [key, name] = [uniqueName("key"), uniqueName("token")];
    const answers = await Promise.all(Array.from({ length: 6 }, () => mint(user, key, name)));
    const made = answers.filter((answer) => answer.status === 201);
    expect(made.length).toBeGreaterThan(0);
    for (const answer of answers) expect([201, 409]).toContain(answer.status);
    for (const answer of answers.filter((one) => one.status === 409)) expect(answer).toMatchObject({ body: { code: "idempotency_conflict" } });
    const again = await mint(user, key, name);
    for (const answer of [...made, again]) expect(answer).toMatchObject({ status: 201, body: made[0]?.body as Record<string, unknown> });
    expect((await expectStatus<unknown[] & Record<string, unknown>>(200, "GET", "/api/v1/user/cli-tokens", { token: user.accessToken })).length).toBe(1);
    const stored = await DB.prepare("SELECT * FROM idempotency_keys WHERE key = ?").bind(key).all();
    expect(stored.results).toHaveLength(1);
    expect(JSON.stringify(stored.results)).not.toContain(String(again.body["token"]));
  });

  it("refuses another request, and is another user's own", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    const [key, name] = [uniqueName("key"), uniqueName("token")];
    const first = await mint(user, key, name);
    expect(await mint(user, key, `${name}2`)).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
    const theirs = await mint(other, key, name);
    expect(theirs.status).toBe(201);
    expect(theirs.body["token"]).not.toBe(first.body["token"]);
    expect(await mint(user, "k".repeat(256), name)).toMatchObject({ status: 422, body: { detail: [{ loc: ["header", "idempotency-key"] }] } });
  });

  it("is free again after a run that failed, and after one that died", async () => {
    const user = await signUpUser();
    const [key, name] = [uniqueName("key"), uniqueName("token")];
    const taken = await mintToken(user, { name });
    expect(await mint(user, key, name)).toMatchObject({ status: 409, body: { code: "name_taken" } });
    await expectStatus(204, "DELETE", `/api/v1/user/cli-tokens/${taken.id}`, { token: user.accessToken });
    expect((await mint(user, key, name)).status).toBe(201);
    await DB.prepare("UPDATE idempotency_keys SET sealed_body = NULL WHERE key = ?").bind(key).run();
    expect(await mint(user, key, name)).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
    await DB.prepare("UPDATE idempotency_keys SET created_at = created_at - 61000 WHERE key = ?").bind(key).run();
    expect(await mint(user, key, name)).toMatchObject({ status: 409, body: { code: "name_taken" } });
  });
});

describe("a plan of writes", () => {
  it("that lost its race keeps nothing: no write, no audit, no effect", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const poked: string[] = [];
    const ctx: Ctx = { ...contextAt(0), pokeOutbox: async (effects) => void poked.push(...effects.map(({ id }) => id)) };
    const action = uniqueName("test.");
    const type = uniqueName("effect");
    const rename = (label: string) => ctx.db.update(instances).set({ label }).where(eq(instances.instanceId, id));
    const missing = ctx.db.update(instances).set({ label: "x" }).where(eq(instances.instanceId, uniqueName("nobody")));
    const plan = () => new Plan(ctx).write(rename("lost")).audit({ action }).effect({ type, payload: 1 });
    await expect(plan().guarded(missing).write(rename("lost too")).commit()).rejects.toBeInstanceOf(LostUpdateError);
    const kept = async () => [await DB.prepare("SELECT label FROM instances WHERE instance_id = ?").bind(id).first("label"), await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action = ?").bind(action).first("n"), await DB.prepare("SELECT count(*) AS n FROM outbox WHERE type = ?").bind(type).first("n"), poked.length];
    expect(await kept()).toEqual(["den", 0, 0, 0]);
    await plan().guarded(rename("won")).commit();
    expect(await kept()).toEqual(["won", 1, 1, 1]);
  });

  it("is tried again when it lost, a few times, and only then", async () => {
    const lose = vi.fn(async () => Promise.reject(new LostUpdateError(null)));
    await expect(retryLostUpdate(lose, 3)).rejects.toMatchObject({ code: "CONFLICT", status: 409 });
    expect(lose).toHaveBeenCalledTimes(3);
    const break_ = vi.fn(async () => Promise.reject(new Error("other")));
    await expect(retryLostUpdate(break_, 3)).rejects.toThrow("other");
    expect(break_).toHaveBeenCalledTimes(1);
  });
});

describe("clocks that differ", () => {
  const HOUR = 3_600_000;
  const tokenAt = (user: TestUser, ms: number) => issueAccessToken(readEnv(bindings), { userId: user.userId, sub: uniqueName("sub"), username: user.username, role: "user", epoch: 0, sessionId: user.sessionId }, ms);
  const profile = (token: string) => api("GET", "/api/v1/user/profile", { token });

  it("are forgiven five seconds at an access token's end, and a token from the future is good", async () => {
    const user = await signUpUser();
    await later(0, async () => {
      const now = Date.now();
      expect((await profile(await tokenAt(user, now + 60_000))).status).toBe(200);
      expect((await profile(await tokenAt(user, now - HOUR + 1_000))).status).toBe(200);
      expect((await profile(await tokenAt(user, now - HOUR - 4_000))).status).toBe(200);
      expect(await profile(await tokenAt(user, now - HOUR - 6_000))).toMatchObject({ status: 401, body: { code: "token_expired" } });
    });
  });

  it("end a token that was verified before, too", async () => {
    const user = await signUpUser();
    await later(0, async () => {
      const now = Date.now();
      const token = await tokenAt(user, now);
      expect((await profile(token)).status).toBe(200);
      vi.setSystemTime(now + HOUR + 3_000);
      expect((await profile(token)).status).toBe(200);
      vi.setSystemTime(now + HOUR + 6_000);
      expect(await profile(token)).toMatchObject({ status: 401, body: { code: "token_expired" } });
    });
  });
});

describe("two daemons with one instance id", () => {
  it("over sockets: the newest stays, the old one is told, and its end takes nothing offline", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const { instance_id: _, ...fields } = beatOf(id);
    const old = await SocketClient.open(id, user.accessToken);
    old.send({ t: "beat", ...fields, hostname: "old" });
    await old.until("beat.ok");
    const young = await SocketClient.open(id, user.accessToken);
    expect(await old.untilClosed()).toMatchObject({ code: 4409 });
    young.send({ t: "beat", ...fields, hostname: "young" });
    await young.until("beat.ok");
    const machine = () => expectStatus<{ events: { type: string }[] }>(200, "GET", `/api/v1/dashboard/machines/${id}`, { token: user.accessToken });
    expect(await later(14_000, machine)).toMatchObject({ link: "socket", reachable: true, isOnline: true, hostname: "young" });
    expect((await machine()).events.map((event) => event.type)).not.toContain("machine.offline");
    young.close();
  });

  it("over beats: both are answered, the last one is shown, and a command is done once", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const { id: commandId } = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: id, command_type: "update_cli" } });
    for (const hostname of ["a", "b", "a", "b"]) expect((await beat(user.accessToken, id, { hostname })).pending_commands.map((one) => one.id)).toEqual([commandId]);
    const detail = await expectStatus<{ events: { type: string }[] }>(200, "GET", `/api/v1/dashboard/machines/${id}`, { token: user.accessToken });
    expect(detail).toMatchObject({ hostname: "b", isOnline: true });
    expect(detail.events.filter((event) => event.type === "machine.online")).toHaveLength(1);
    const finish = (result: string) => api("POST", `/api/v1/dashboard/commands/${commandId}/result`, { token: user.accessToken, body: { status: "success", result } });
    expect([(await finish("by a")).status, (await finish("by b")).status, (await finish("by a")).status]).toEqual([200, 409, 200]);
  });
});

describe("values nested deeper than any program needs", () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

  it("are the caller's fault over HTTP, never ours, and hurt no machine", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const post = (path: string, body: string) => api("POST", path, { token: user.accessToken, body });
    for (const depth of [64, 2_000, 5_000, 40_000]) {
      const answers = [
        await post("/api/v1/dashboard/heartbeat", `{"instance_id":"${id}","capabilities":${nested(depth)}}`),
        await post("/api/v1/dashboard/heartbeat", `{"instance_id":"${id}","bots":[{"bot_id":"b","active_task":${nested(depth)}}]}`),
        await post("/api/v1/dashboard/commands", `{"instance_id":"${id}","command_type":"update_cli","payload":${nested(depth)}}`),
      ];
      for (const { status, body } of answers) expect([200, 413, 422], `${depth}: ${JSON.stringify(body).slice(0, 200)}`).toContain(status);
    }
    expect(await beat(user.accessToken, id)).toMatchObject({ ok: true });
    expect(await expectStatus(200, "GET", `/api/v1/dashboard/machines/${id}`, { token: user.accessToken })).toMatchObject({ isOnline: true });
  });

  it("are refused on the socket, which stays open", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const socket = await SocketClient.open(id, user.accessToken);
    await socket.until("hello");
    socket.send(`{"t":"beat","capabilities":${nested(40_000)}}`);
    socket.send({ t: "ack", id: "cmd_none" });
    expect(await socket.until("error")).toMatchObject({ code: "validation_error" });
    expect(await socket.until("error")).toMatchObject({ re: "ack", code: "not_found" });
    socket.send({ t: "bye" });
    expect(await socket.untilClosed()).toMatchObject({ code: 1000 });
  });
});
