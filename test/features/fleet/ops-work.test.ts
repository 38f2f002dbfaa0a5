import { createExecutionContext, createMessageBatch, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { selectLetters } from "../../../src/fleet/ops-dead-letters/dead-letters.store";
import { selectParked, selectPending } from "../../../src/fleet/ops-outbox/outbox.store";
import { selectFailures, selectFindings, selectHandled, selectLastRuns, selectRuns } from "../../../src/fleet/ops-runs/runs.store";
import { forgetTicks, runTick } from "../../../src/kernel/jobs/claim-tick";
import { sealEffect } from "../../../src/kernel/outbox/effects";
import type { Job } from "../../../src/kernel/ports/services";
import { handleQueue } from "../../../src/queues";
import { createJobs } from "../../../src/integrations/queue/jobs";
import { api, expectStatus, uniqueName } from "../../support/client";
import { allPages, askWith, auditOf, expectGuarded, expectIndexed, hireStaff, OPS, type Staff } from "../../support/ops";

const bindings = env as unknown as Env;
const { DB } = bindings;
const NOWHERE = { waitUntil: () => undefined };
const context = () => createSystemContext(bindings, NOWHERE, "test", uniqueName("req"));

let staff: Staff;
beforeAll(async () => {
  staff = await hireStaff();
});

const asSuper = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, `${OPS}${path}`, { token: staff.superadmin.accessToken, body });
const read = <T = Record<string, unknown>>(path: string) => expectStatus<T>(200, "GET", `${OPS}${path}`, { token: staff.admin.accessToken });

describe("dead letters", () => {
  async function bury(type: string, body: unknown, createdAt = Date.now()): Promise<string> {
    const id = `${uniqueName("job")}:with/odd?id`;
    await DB.prepare("INSERT INTO dead_letters (id, type, payload, reason, created_at) VALUES (?, ?, ?, 'retries are used up', ?)").bind(id, type, JSON.stringify(body), createdAt).run();
    return id;
  }
  const jobOf = (type: string, payload: unknown) => ({ v: 1, id: uniqueName("job"), type, payload });
  const at = (id: string) => `/dead-letters/${encodeURIComponent(id)}`;

  it("are shown without secrets, and sent again once however often and however concurrently they are pressed", async () => {
    const id = await bury("bot.settle", jobOf("bot.settle", { botId: "b-1", token: "sesame", note: "sett_cli_AAAA.t1.BBBB" }));
    const shown = await read(at(id));
    expect(shown).toMatchObject({ id, type: "bot.settle", reason: "retries are used up", retryable: true, payload: { botId: "b-1", token: "[redacted]", note: "[redacted]" } });

    const presses = await Promise.all(Array.from({ length: 4 }, () => askWith({}, staff.superadmin, "POST", `${OPS}${at(id)}/retry`)));
    expect(presses.map((one) => one.status).toSorted()).toEqual([200, 404, 404, 404]);
    const jobs = presses.flatMap((one) => one.jobs);
    expect(jobs).toEqual([{ v: 1, id: expect.stringMatching(/^retry:eff_/), type: "bot.settle", payload: { botId: "b-1", token: "sesame", note: "sett_cli_AAAA.t1.BBBB" } }]);
    expect(await asSuper("GET", at(id))).toMatchObject({ status: 404, body: { code: "not_found" } });
    const audits = await auditOf("dead_letter", id);
    expect(audits).toMatchObject([{ action: "dead_letter.retry", actor_id: String(staff.superadmin.userId), detail: { before: { type: "bot.settle", payload: { botId: "b-1" } }, after: null } }]);
    expect(JSON.stringify(audits)).not.toContain("sesame");
  });

  it("keep the job when the queue does not take it: the outbox tries again", async () => {
    const id = await bury("bot.settle", jobOf("bot.settle", "b-2"));
    const broken = { JOBS: { send: async () => Promise.reject(new Error("the queue is away")) } as unknown as Queue };
    expect((await askWith(broken, staff.superadmin, "POST", `${OPS}${at(id)}/retry`)).status).toBe(200);
    expect(await DB.prepare("SELECT type, last_error FROM outbox WHERE type = 'job.send'").first()).toEqual({ type: "job.send", last_error: "the queue is away" });
    await DB.prepare("DELETE FROM outbox WHERE type = 'job.send'").run();
  });

  it("that never were jobs are dropped, not sent", async () => {
    const id = await bury("unknown", "what is this");
    expect(await read(at(id))).toMatchObject({ retryable: false, payload: "what is this" });
    expect(await asSuper("POST", `${at(id)}/retry`)).toMatchObject({ status: 409, body: { code: "not_a_job" } });
    expect((await asSuper("DELETE", at(id))).status).toBe(204);
    for (const [method, path] of [["DELETE", at(id)], ["POST", `${at(id)}/retry`], ["GET", at(id)]] as const) expect(await asSuper(method, path)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await auditOf("dead_letter", id)).toMatchObject([{ action: "dead_letter.drop", detail: { before: { payload: "what is this" }, after: null } }]);
  });

  it("are listed newest first by type and time, page by page, and those of one moment too", async () => {
    const type = uniqueName("kind");
    const moment = Date.parse("2026-05-05T05:05:05.000Z");
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push(await bury(type, jobOf(type, n), moment + (n < 4 ? 0 : n)));
    const listed = await allPages<{ id: string }>(staff.admin, `${OPS}/dead-letters?type=${type}&limit=2`, "dead_letters", async (page) => {
      if (page === 0) await bury(type, jobOf(type, "new"), moment + 10_000);
    });
    expect(listed.map((one) => one.id)).toEqual([...ids.slice(4).toReversed(), ...ids.slice(0, 4).toSorted().toReversed()]);
    expect((await read<{ dead_letters: unknown[]; total: number }>(`/dead-letters?type=${type}&since=2026-05-05T05:05:05.001Z&until=2026-05-05T05:05:05.006Z`)).total).toBe(2);
    for (const query of ["limit=0", "limit=201", "since=yesterday", "cursor=x"]) expect(await asSuper("GET", `/dead-letters?${query}`), query).toMatchObject({ status: 422 });
  });
});

describe("the outbox", () => {
  async function put(type: string, payload: unknown, parked: { readonly at: number; readonly error: string } | null, dueAt = Date.now() + 900_000): Promise<string> {
    const { id, statement } = await sealEffect(context(), { type, payload });
    await context().db.batch([statement]);
    await DB.prepare("UPDATE outbox SET due_at = ?, attempts = ?, parked_at = ?, last_error = ? WHERE id = ?").bind(dueAt, parked ? 12 : 0, parked?.at ?? null, parked?.error ?? null, id).run();
    return id;
  }

  it("gives an effect that gave up its tries back, and delivers it", async () => {
    const letter = uniqueName("letter");
    const id = await put("job.send", { type: "bot.settle", payload: letter }, { at: Date.now(), error: `refused: Bearer ${letter}` });
    const shown = await read(`/outbox/${id}`);
    expect(shown).toMatchObject({ id, type: "job.send", state: "parked", attempts: 12, last_error: "refused: [redacted]" });
    expect(JSON.stringify([shown, await read("/outbox?state=parked&limit=200")])).not.toMatch(/v1\.|payload/);

    const retried = await askWith({}, staff.superadmin, "POST", `${OPS}/outbox/${id}/retry`);
    expect(retried).toMatchObject({ status: 200, body: { state: "pending", attempts: 0, parked_at: null }, jobs: [{ id: `retry:${id}`, payload: letter }] });
    expect(await asSuper("GET", `/outbox/${id}`)).toMatchObject({ status: 404 });
    expect(await auditOf("outbox_effect", id)).toMatchObject([{ action: "outbox.retry", detail: { before: { state: "parked", attempts: 12 }, after: { state: "pending", attempts: 0 } } }]);
  });

  it("gives up what gave up, and only that", async () => {
    const [parked, waiting] = [await put("mail.send", {}, { at: Date.now(), error: "no" }), await put("mail.send", {}, null)];
    expect((await asSuper("DELETE", `/outbox/${parked}`)).status).toBe(204);
    expect(await auditOf("outbox_effect", parked)).toMatchObject([{ action: "outbox.drop", detail: { before: { last_error: "no" }, after: null } }]);
    for (const [method, path] of [["DELETE", `/outbox/${waiting}`], ["POST", `/outbox/${waiting}/retry`]] as const) expect(await asSuper(method, path)).toMatchObject({ status: 409, body: { code: "effect_not_parked" } });
    for (const [method, path] of [["DELETE", `/outbox/${parked}`], ["POST", `/outbox/${parked}/retry`], ["GET", `/outbox/${parked}`]] as const) expect(await asSuper(method, path)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await DB.prepare("SELECT count(*) AS n FROM outbox WHERE id = ?").bind(waiting).first("n")).toBe(1);
  });

  it("is listed and counted by state and type", async () => {
    const type = uniqueName("effect");
    const now = Date.now();
    const parked = [await put(type, 1, { at: now - 2, error: "a" }), await put(type, 2, { at: now - 1, error: "b" }), await put(type, 3, { at: now - 1, error: "c" })];
    const due = await put(type, 4, null, now - 60_000);
    const later = await put(type, 5, null, now + 900_000);
    expect((await allPages<{ id: string }>(staff.admin, `${OPS}/outbox?state=parked&type=${type}&limit=1`, "effects")).map((one) => one.id)).toEqual([...parked.slice(1).toSorted().toReversed(), parked[0]]);
    expect((await allPages<{ id: string }>(staff.admin, `${OPS}/outbox?state=pending&type=${type}&limit=1`, "effects")).map((one) => one.id)).toEqual([due, later]);
    // Between two pages a try moves when the first one is due.
    const walked = await allPages<{ id: string }>(staff.admin, `${OPS}/outbox?state=pending&type=${type}&limit=1`, "effects", async () => {
      await DB.prepare("UPDATE outbox SET due_at = ? WHERE id = ?").bind(now + 1_800_000, due).run();
    });
    expect(walked.map((one) => one.id)).toEqual([due, later]);
    await DB.prepare("UPDATE outbox SET due_at = ? WHERE id = ?").bind(now - 60_000, due).run();
    const counts = await read<{ parked: number; due: number; by_type: { type: string }[] }>("/outbox/counts");
    expect(counts.by_type.find((one) => one.type === type)).toEqual({ type, pending: 2, due: 1, parked: 3, oldest_due_at: new Date(now - 60_000).toISOString() });
    expect(counts.parked).toBeGreaterThanOrEqual(3);
    const lag = await read<{ outbox: { due: number; oldest_age_seconds: number; parked: number } }>("/lag");
    expect(lag.outbox.due).toBeGreaterThanOrEqual(1);
    expect(lag.outbox.oldest_age_seconds).toBeGreaterThanOrEqual(60);
    await DB.prepare("DELETE FROM outbox WHERE type = ?").bind(type).run();
  });
});

describe("lateness of the queue", () => {
  const handle = (body: unknown, timestamp: Date) => handleQueue(createMessageBatch("sett-jobs", [{ id: uniqueName("msg"), timestamp, attempts: 1, body }]), bindings, createExecutionContext());
  const lateOf = (id: string) => DB.prepare("SELECT late_ms FROM processed_messages WHERE id = ?").bind(id).first<number>("late_ms");

  it("is the time between sending and handling, without the wait that was wished for", async () => {
    const [plain, delayed] = [uniqueName("job"), uniqueName("job")];
    const sent: Job[] = [];
    const queue = { send: async (job: Job) => void sent.push(job) } as unknown as Queue;
    await createJobs(queue).send({ v: 1, id: plain, type: "bot.settle", payload: null });
    await createJobs(queue).send({ v: 1, id: delayed, type: "bot.settle", payload: null }, 600);
    expect(sent[0]).toEqual({ v: 1, id: plain, type: "bot.settle", payload: null });
    await handle(sent[0], new Date(Date.now() - 90_000));
    await handle({ ...sent[1], readyAt: (sent[1]?.readyAt ?? 0) - 630_000 }, new Date(Date.now() - 630_000));
    expect(await lateOf(plain)).toBeGreaterThanOrEqual(90_000);
    expect(await lateOf(delayed)).toBeGreaterThanOrEqual(30_000);
    expect(await lateOf(delayed)).toBeLessThan(60_000);
    const { queue: shown } = await read<{ queue: { late_ms: { max: number }; handled_last_hour: number; handled_last_5_minutes: number; capped: boolean; last_handled_at: string } }>("/lag");
    expect(shown).toMatchObject({ capped: false, last_handled_at: expect.stringContaining("T") });
    expect(shown.late_ms.max).toBeGreaterThanOrEqual(90_000);
    expect(shown.handled_last_5_minutes).toBeGreaterThanOrEqual(2);
  });
});

describe("cron history", () => {
  it("tells how each run ended, and one that fails does not stop the others of its tick", async () => {
    const away = { ...bindings, JOBS: { send: async () => Promise.reject(new Error("the queue is away")) } as unknown as Queue };
    const { id, statement } = await sealEffect(context(), { type: "mail.send", payload: {} });
    await context().db.batch([statement]);
    await DB.prepare("UPDATE outbox SET due_at = 1 WHERE id = ?").bind(id).run();
    const scheduledTime = new Date(Date.now() + 50_000_000);
    vi.spyOn(console, "error").mockReturnValue();
    await handleScheduled(createScheduledController({ cron: "* * * * *", scheduledTime }), away, NOWHERE);
    await DB.prepare("DELETE FROM outbox WHERE id = ?").bind(id).run();

    const { jobs } = await read<{ jobs: { job: string; outcome: string; scheduled_at: string; failures_last_day: number; error: string | null }[] }>("/cron");
    expect(jobs.length).toBeGreaterThan(5);
    expect(jobs.find((one) => one.job === "outbox.sweep")).toMatchObject({ outcome: "failed", error: "the queue is away", failures_last_day: 1, scheduled_at: scheduledTime.toISOString(), duration_ms: expect.any(Number), ended_at: expect.any(String) });
    const others = jobs.filter(({ job, scheduled_at: at }) => job !== "outbox.sweep" && at === scheduledTime.toISOString());
    for (const one of others) expect(["ok", "failed"], one.job).toContain(one.outcome);
    expect(others.find((one) => one.job === "apple_notifications.sweep")).toMatchObject({ outcome: "ok", error: null, ended_at: expect.any(String) });
    const failures = await allPages<{ job: string; scheduled_at: string; outcome: string }>(staff.admin, `${OPS}/cron-failures?limit=1`, "runs");
    expect(failures.find((one) => one.job === "outbox.sweep")).toMatchObject({ outcome: "failed", error: "the queue is away", scheduled_at: scheduledTime.toISOString() });
    expect(failures.every((one) => one.outcome === "failed")).toBe(true);
  });

  it("lists the runs of one job, newest first, page by page", async () => {
    const job = `${uniqueName("job")}.sweep`;
    const start = 1_790_000_000_000;
    for (let n = 0; n < 5; n++) await runTick(context(), job, start + n * 60_000, async () => (n === 3 ? Promise.reject(new Error("third")) : undefined));
    await runTick(context(), job, start, async () => Promise.reject(new Error("claimed already")));
    const runs = await allPages<{ scheduled_at: string; outcome: string }>(staff.admin, `${OPS}/cron/${job}?limit=2`, "runs");
    expect(runs.map((one) => one.outcome)).toEqual(["ok", "failed", "ok", "ok", "ok"]);
    expect(runs.map((one) => Date.parse(one.scheduled_at))).toEqual([4, 3, 2, 1, 0].map((n) => start + n * 60_000));
    expect((await read<{ runs: unknown[] }>(`/cron/${job}?outcome=failed`)).runs).toMatchObject([{ error: "third" }]);
    expect((await read<{ runs: unknown[] }>("/cron/no.such.job")).runs).toEqual([]);
  });

  it("keeps what failed, or never ended, for a month", async () => {
    const job = `${uniqueName("job")}.sweep`;
    const day = 86_400_000;
    const insert = (at: number, outcome: string | null) => DB.prepare("INSERT INTO cron_runs (job, scheduled_at, created_at, outcome) VALUES (?, ?, ?, ?)").bind(job, at, at, outcome).run();
    const now = Date.now();
    for (const [age, outcome] of [[2.3, null], [2.2, "ok"], [2.1, "failed"], [31, "failed"], [31.1, null], [0, "ok"]] as const) await insert(Math.floor(now - age * day), outcome);
    await forgetTicks(context(), now);
    const { results } = await DB.prepare("SELECT outcome FROM cron_runs WHERE job = ? ORDER BY scheduled_at").bind(job).all<{ outcome: string | null }>();
    expect(results.map((row) => row.outcome)).toEqual([null, "failed", "ok"]);
  });
});

describe("findings of reconcilers", () => {
  it("are listed open or resolved, newest first, by kind, whatever is seen again meanwhile", async () => {
    const kind = uniqueName("kind");
    const rows = [[1, null], [2, 5], [3, null], [3, null]] as const;
    for (const [n, [seen, resolved]] of rows.entries()) {
      await DB.prepare("INSERT INTO reconcile_findings (kind, subject, driver, detail, first_seen_at, last_seen_at, resolved_at) VALUES (?, ?, 'orgo', ?, 1, ?, ?)").bind(kind, `vm-${n}`, JSON.stringify({ n, token: "sesame" }), seen, resolved).run();
    }
    const open = await allPages<{ subject: string; detail: unknown }>(staff.admin, `${OPS}/findings?kind=${kind}&limit=1`, "findings", async () => {
      await DB.prepare("UPDATE reconcile_findings SET last_seen_at = last_seen_at + 100 WHERE kind = ? AND subject IN ('vm-0', 'vm-3')").bind(kind).run();
    });
    expect(open.map((one) => one.subject)).toEqual(["vm-3", "vm-2", "vm-0"]);
    expect(open[0]?.detail).toEqual({ n: 3, token: "[redacted]" });
    expect((await read<{ findings: unknown[] }>(`/findings?kind=${kind}&state=resolved`)).findings).toMatchObject([{ subject: "vm-1", driver: "orgo", resolved_at: "1970-01-01T00:00:00.005Z" }]);
  });
});

describe("who may", () => {
  it("read is any administrator, change a superadministrator", async () => {
    await expectGuarded(
      staff,
      ["/dead-letters", "/dead-letters/x", "/outbox", "/outbox/counts", "/outbox/x", "/lag", "/cron", "/cron/x", "/cron-failures", "/findings"].map((path) => OPS + path),
      [["POST", `${OPS}/dead-letters/x/retry`], ["DELETE", `${OPS}/dead-letters/x`], ["POST", `${OPS}/outbox/x/retry`], ["DELETE", `${OPS}/outbox/x`]],
    );
  });

  it("is answered from indexes", async () => {
    const cursor = { at: 5, id: "5" };
    for (const after of [null, cursor]) {
      await expectIndexed(selectLetters(context(), {}, after, 50), "dead_letters_time");
      await expectIndexed(selectLetters(context(), { since: 1, until: 9 }, after, 50), "dead_letters_time");
      await expectIndexed(selectLetters(context(), { type: "x", since: 1 }, after, 50), "dead_letters_type");
      await expectIndexed(selectFailures(context(), after, 50), "cron_runs_failed");
      await expectIndexed(selectRuns(context(), "x", undefined, after, 50), "sqlite_autoindex_cron_runs_1");
    }
    await expectIndexed(selectParked(context(), undefined, cursor, 50), "outbox_due");
    for (const after of [null, cursor]) await expectIndexed(selectPending(context(), undefined, after, 50), "sqlite_autoindex_outbox_1");
    await expectIndexed(selectHandled(context(), 1, 50), "processed_messages_age");
    for (const open of [true, false]) {
      for (const after of [null, 5]) {
        await expectIndexed(selectFindings(context(), { open }, after, 50), "reconcile_findings_listed");
        await expectIndexed(selectFindings(context(), { open, kind: "x" }, after, 50), "reconcile_findings_kind");
      }
    }
    await expectIndexed(selectLastRuns(context()), "sqlite_autoindex_cron_runs_1");
  });
});
