import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { runStep, scheduleRefresh, wakeJobs } from "../../../src/fleet/admin-jobs";
import { getJobsStatus } from "../../../src/fleet/admin-jobs/admin-jobs.queries";
import { countPeopleOnMatrix, listPeopleOnMatrix } from "../../../src/fleet/admin-jobs/admin-jobs.store";
import { refreshMatrixStatus } from "../../../src/fleet/admin-jobs/refresh-matrix-status";
import type { Ctx } from "../../../src/kernel/context";
import { AppError } from "../../../src/kernel/errors/app-error";
import type { Job } from "../../../src/kernel/ports/services";
import { api, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { costOf, fill } from "../../support/query-plans";

const bindings = env as unknown as Env;
const { DB } = bindings;
const JOBS = "/api/v1/admin/jobs";
const MINUTE_MS = 60_000;

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
const call = (method: string, path: string) => api(method, path, { token: admin.accessToken });

/** A homeserver that answers from a list, the queue as a list, and a clock that moves. The product over HTTP is in test/homeserver. */
class World {
  readonly queue: Job[] = [];
  readonly asked: string[] = [];
  now = Date.now();
  down = false;
  loseMessages = false;
  /** What somebody does while the homeserver is asked about an account. */
  meanwhile: (matrixId: string) => Promise<unknown> = async () => undefined;

  ctx(): Ctx {
    const context = createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
    const findAccount = async (matrixId: string) => {
      this.asked.push(matrixId);
      await this.meanwhile(matrixId);
      const n = Number(/^@job(\d+):/.exec(matrixId)?.[1] ?? 0);
      if (this.down || n === 7) throw new AppError("MATRIX_UNAVAILABLE", "down");
      return n % 10 === 3 ? null : { deactivated: n % 10 === 4 || n % 10 === 5, erased: n % 10 === 5 };
    };
    const send = async (job: Job): Promise<void> => {
      if (this.loseMessages) throw new Error("the queue is away");
      this.queue.push(job);
    };
    return { ...context, db: context.db, clock: { now: () => this.now }, services: { ...context.services, matrix: { admin: { findAccount } }, jobs: { send } } } as unknown as Ctx;
  }

  async work(): Promise<void> {
    for (let job = this.queue.shift(); job; job = this.queue.shift()) await runStep(this.ctx(), job.payload);
  }

  read = (id: string) => DB.prepare("SELECT * FROM admin_jobs WHERE id = ?").bind(id).first<Record<string, unknown>>();
}

const PEOPLE = 62;
beforeEach(async () => {
  await DB.prepare("DELETE FROM admin_jobs").run();
  await fill(PEOPLE, (numbers) => `INSERT INTO users (sub, email, email_key, username, name, matrix_id, matrix_account_created, password_hash, trial_ends_at, created_at, updated_at, account_verified, matrix_status)
    SELECT 'job' || n, 'job' || n || '@x', 'job' || n || '@x', 'job' || n, 'n', '@job' || n || ':x', n <> 62, 'x', 0, 0, 0, 1, CASE n WHEN 7 THEN 'deactivated' END FROM ${numbers}`);
});
afterEach(async () => {
  await DB.prepare("DELETE FROM users WHERE sub LIKE 'job%'").run();
});
const statuses = async () => Object.fromEntries((await DB.prepare("SELECT username, matrix_status FROM users WHERE sub LIKE 'job%'").all<{ username: string; matrix_status: string | null }>()).results.map((row) => [row.username, row.matrix_status]));

describe("a refresh of Matrix accounts", () => {
  it("needs a homeserver, and writes nothing without one", async () => {
    expect(await call("POST", `${JOBS}/matrix-status-refresh`)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await DB.prepare("SELECT count(*) AS n FROM admin_jobs").first("n")).toBe(0);
    expect(await call("GET", `${JOBS}/${crypto.randomUUID()}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("is pending before the answer, goes on in steps, and ends with counts", async () => {
    const world = new World();
    const started = await refreshMatrixStatus(world.ctx());
    expect(started).toMatchObject({ status: "pending", total: 61, processed: 0, started_at: null });
    expect(await call("GET", `${JOBS}/${started.job_id}`)).toMatchObject({ status: 200, body: { ...started } });
    const [first] = world.queue.splice(0);
    await runStep(world.ctx(), first?.payload);
    expect((await call("GET", `${JOBS}/${started.job_id}`)).body).toMatchObject({ status: "running", processed: 25, completed_at: null });
    // The same message again, before and after the next step, changes nothing.
    const asked = world.asked.length;
    await runStep(world.ctx(), first?.payload);
    expect(world.asked.length).toBe(asked);
    await world.work();
    expect((await call("GET", `${JOBS}/${started.job_id}`)).body).toMatchObject({
      status: "completed",
      processed: 61,
      counts: { active: 42, missing: 6, deactivated: 6, erased: 6, failed: 1 },
      error: null,
      completed_at: new Date(world.now).toISOString(),
    });
    const known = await statuses();
    expect([known["job1"], known["job3"], known["job4"], known["job5"], known["job7"], known["job62"]]).toEqual(["active", "missing", "deactivated", "erased", "deactivated", null]);
    expect(world.asked.filter((id) => id === "@job62:x")).toEqual([]);
    expect(new Set(world.asked).size).toBe(world.asked.length);
    const { results } = await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'admin_job' AND subject_id = ? ORDER BY id").bind(started.job_id).all<{ action: string }>();
    expect(results.map((row) => row.action)).toEqual(["admin_job.start", "admin_job.complete"]);
  });

  it("is one at a time: another call answers the one that runs", async () => {
    const world = new World();
    const answers = await Promise.all(Array.from({ length: 5 }, () => refreshMatrixStatus(world.ctx())));
    expect(new Set(answers.map((one) => one.job_id)).size).toBe(1);
    expect(world.queue).toHaveLength(1);
    await runStep(world.ctx(), world.queue.shift()?.payload);
    expect(await refreshMatrixStatus(world.ctx())).toMatchObject({ job_id: answers[0]?.job_id, status: "running" });
    await world.work();
    expect((await refreshMatrixStatus(world.ctx())).job_id).not.toBe(answers[0]?.job_id);
  });

  it("loses to whoever does the same step at the same time, and counts nobody twice", async () => {
    const world = new World();
    const { job_id: id } = await refreshMatrixStatus(world.ctx());
    const [first] = world.queue.splice(0);
    await Promise.all(Array.from({ length: 4 }, () => runStep(world.ctx(), first?.payload)));
    expect(await world.read(id)).toMatchObject({ processed: 25, step: 1 });
    expect(world.queue).toHaveLength(1);
  });
});

describe("what somebody does while the homeserver is asked", () => {
  it("is newer than its answer", async () => {
    const world = new World();
    const set = (job: string, status: string) => DB.prepare("UPDATE users SET matrix_status = ? WHERE sub = ?").bind(status, job).run();
    await set("job2", "active");
    // One whose state was unknown, one who was active, and one who was deactivated.
    world.meanwhile = async (matrixId) => (matrixId === "@job1:x" ? set("job1", "deactivated") : matrixId === "@job4:x" ? set("job4", "active") : matrixId === "@job13:x" ? set("job13", "erased") : undefined);
    await refreshMatrixStatus(world.ctx());
    await world.work();
    expect(await statuses()).toMatchObject({ job1: "deactivated", job2: "active", job3: "missing", job4: "active", job5: "erased", job13: "erased" });
  });
});

describe("a refresh that broke off", () => {
  it("is woken by the sweep when its message was lost", async () => {
    const world = new World();
    world.loseMessages = true;
    const { job_id: id } = await refreshMatrixStatus(world.ctx());
    world.loseMessages = false;
    await wakeJobs(world.ctx());
    expect(world.queue).toEqual([]);
    world.now += 2 * MINUTE_MS;
    await Promise.all([wakeJobs(world.ctx()), wakeJobs(world.ctx())]);
    expect(world.queue).toHaveLength(1);
    await world.work();
    expect(await world.read(id)).toMatchObject({ status: "completed", processed: 61, attempts: 0 });
  });

  it("goes on where it was when the homeserver comes back", async () => {
    const world = new World();
    const { job_id: id } = await refreshMatrixStatus(world.ctx());
    await runStep(world.ctx(), world.queue.shift()?.payload);
    world.down = true;
    await world.work();
    expect(await world.read(id)).toMatchObject({ status: "running", processed: 25, error: "matrix_unavailable" });
    world.down = false;
    world.now += 2 * MINUTE_MS;
    await wakeJobs(world.ctx());
    await world.work();
    expect(await world.read(id)).toMatchObject({ status: "completed", processed: 61, error: null });
  });

  it("is given up when nothing helps, says why, and frees the way", async () => {
    const world = new World();
    const { job_id: id } = await refreshMatrixStatus(world.ctx());
    world.down = true;
    for (let minute = 0; minute < 12; minute++) {
      await world.work();
      world.now += 2 * MINUTE_MS;
      await wakeJobs(world.ctx());
    }
    expect(await world.read(id)).toMatchObject({ status: "failed", error: "matrix_unavailable", processed: 0 });
    expect((await call("GET", `${JOBS}/${id}`)).body).toMatchObject({ status: "failed", error: "matrix_unavailable", completed_at: expect.any(String) });
    expect(await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action = 'admin_job.fail' AND subject_id = ?").bind(id).first("n")).toBe(1);
    expect(await refreshMatrixStatus(world.ctx())).toMatchObject({ status: "pending" });
  });
});

describe("the schedule", () => {
  it("begins a refresh once a day", async () => {
    const world = new World();
    await scheduleRefresh(world.ctx());
    await scheduleRefresh(world.ctx());
    const newest = () => DB.prepare("SELECT count(*) AS n FROM admin_jobs WHERE started_by IS NULL").first("n");
    expect(await newest()).toBe(1);
    await world.work();
    world.now += 23 * 60 * MINUTE_MS;
    await scheduleRefresh(world.ctx());
    expect(await newest()).toBe(1);
    world.now += 60 * MINUTE_MS;
    await scheduleRefresh(world.ctx());
    expect(await newest()).toBe(2);
  });

  it("is seen in the status, beside the last ten jobs", async () => {
    const at = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    await handleScheduled(createScheduledController({ cron: "* * * * *", scheduledTime: new Date(at) }), bindings, { waitUntil: () => undefined });
    const world = new World();
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      world.now += 1_000;
      ids.push((await refreshMatrixStatus(world.ctx())).job_id);
      await world.work();
    }
    const { status, body } = await call("GET", `${JOBS}/status`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ scheduler: { running: true, last_tick_at: new Date(at).toISOString(), jobs: expect.arrayContaining([{ id: "admin_jobs.wake", last_run_at: new Date(at).toISOString() }]) } });
    expect((body["recent_jobs"] as { job_id: string }[]).map((job) => job.job_id)).toEqual(ids.toReversed().slice(0, 10));
  });

  it("finds and counts the people on Matrix by an index of them alone", async () => {
    for (const read of [countPeopleOnMatrix, (ctx: Ctx) => listPeopleOnMatrix(ctx, 5, 25)]) {
      const { cost } = await costOf<unknown>(read);
      expect(cost.plan.join("; ")).toContain("users_on_matrix");
    }
  });

  it("costs few rows to look at, however many ticks there were", async () => {
    await fill(3_000, (numbers) => `INSERT OR IGNORE INTO cron_runs (job, scheduled_at, created_at) SELECT 'job-' || (n % 9), n, n FROM ${numbers}`);
    const { cost } = await costOf(getJobsStatus);
    expect(cost.queries).toBe(2);
    expect(cost.rowsRead).toBeLessThan(400);
    await DB.prepare("DELETE FROM cron_runs WHERE job LIKE 'job-%'").run();
  });
});
