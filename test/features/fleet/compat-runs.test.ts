import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env";
import { listCompatRuns } from "../../../src/fleet/compat-runs/compat-runs.queries";
import { ListRunsQuery } from "../../../src/fleet/compat-runs/compat-runs.schemas";
import { api, BASE_URL, expectStatus, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { fetchUnder } from "../../support/promises";
import { costOf, fill } from "../../support/query-plans";

const bindings = env as unknown as Env;
const { DB } = bindings;
const RUNS = "/api/v1/admin/compat-runs";
const SECRET = "a secret of the suite";
/** The product as it is where all of this is configured. */
const configured: Env = { ...bindings, COMPAT_WEBHOOK_SECRET: SECRET, GITHUB_DISPATCH_TOKEN: "github_pat_1", GITHUB_DISPATCH_REPO: "den/compat" };

interface Run {
  readonly id: number;
  readonly [field: string]: unknown;
}

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
afterEach(() => vi.restoreAllMocks());

async function ask<T = Record<string, unknown>>(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<{ status: number; body: T }> {
  const request = new Request(`${BASE_URL}${path}`, { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  const answer = await fetchUnder(request, configured, { waitUntil: () => undefined });
  return { status: answer.status, body: (await answer.json()) as T };
}
const report = (run: Record<string, unknown>, secret: string = SECRET) => ask<{ id: number; created: boolean }>("POST", RUNS, run, { "x-compat-webhook-secret": secret });
const dispatch = (body: Record<string, unknown>) => ask("POST", `${RUNS}/dispatch`, body, { authorization: `Bearer ${admin.accessToken}` });
const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: admin.accessToken, body });
const list = (query: string) => expectStatus<Run[]>(200, "GET", `${RUNS}?${query}`, { token: admin.accessToken });
const audited = async (action: string, subject: string | number) => (await DB.prepare("SELECT detail, actor_type FROM audit_log WHERE action = ? AND subject_id = ? ORDER BY id").bind(action, String(subject)).all<{ detail: string; actor_type: string }>()).results.map((row) => ({ ...JSON.parse(row.detail), actor: row.actor_type }));

const runOf = (version: string, change: Record<string, unknown> = {}) => ({
  openclaw_version: version,
  plugin_version: "0.4.0",
  cli_version: "0.1.13",
  started_at: "2026-11-20T10:00:00+00:00",
  finished_at: "2026-11-20T10:05:00+00:00",
  host: "builder",
  result: "fail",
  scenarios: [{ id: "pair", name: "Pairs", status: "fail", duration_ms: 1_200, error_excerpt: "no code", details: { step: 2 } }],
  summary: "1 of 1 failed",
  log_artifact_url: "https://ci.example/1",
  ...change,
});

describe("reports", () => {
  it("are taken by the secret alone, shown, and replaced when they come again", async () => {
    const version = uniqueName("2026.");
    const first = await report(runOf(version));
    expect(first).toMatchObject({ status: 200, body: { created: true } });
    const { id } = first.body;
    const [shown] = await list(`openclaw_version=${version}`);
    const { host: triggered_by, ...sent } = runOf(version);
    expect(shown).toEqual({ ...sent, id, runtime: "openclaw", triggered_by, started_at: "2026-11-20T10:00:00.000Z", finished_at: "2026-11-20T10:05:00.000Z", created_at: expect.any(String) });
    // The same begin in another zone is the same run.
    expect((await report(runOf(version, { started_at: "2026-11-20T12:00:00+02:00", result: "pass", scenarios: [] }))).body).toEqual({ id, created: false });
    expect((await report(runOf(version, { runtime: "hermes" }))).body).toMatchObject({ created: true });
    expect(await list(`openclaw_version=${version}&runtime=openclaw`)).toMatchObject([{ id, result: "pass", scenarios: [] }]);
    expect(await audited("compat_run.record", id)).toEqual([{ actor: "anonymous", before: expect.objectContaining({ result: "fail", scenarios: 1 }), after: expect.objectContaining({ result: "pass", scenarios: 0 }) }]);
  });

  it("that come twice at once are one run", async () => {
    const version = uniqueName("2026.");
    const answers = await Promise.all(Array.from({ length: 5 }, () => report(runOf(version))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.filter(({ body }) => body.created)).toHaveLength(1);
    expect(await list(`openclaw_version=${version}`)).toHaveLength(1);
  });

  it("are refused with another secret or none, and where none is configured", async () => {
    const version = uniqueName("2026.");
    for (const secret of ["", "a secret of the suitf", "a secret of the suit", `${SECRET} `.repeat(2)]) expect(await report(runOf(version), secret), secret).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    expect(await ask("POST", RUNS, runOf(version), { authorization: `Bearer ${admin.accessToken}` })).toMatchObject({ status: 401 });
    expect(await api("POST", RUNS, { body: runOf(version), headers: { "x-compat-webhook-secret": SECRET } })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    // Before anything of the body is read, however wrong it is.
    for (const body of [{}, { openclaw_version: 7 }]) {
      expect(await report(body, "another")).toMatchObject({ status: 401 });
      expect(await api("POST", RUNS, { body, headers: { "x-compat-webhook-secret": SECRET } })).toMatchObject({ status: 503 });
    }
    expect(await report({}, SECRET)).toMatchObject({ status: 422 });
    expect(await list(`openclaw_version=${version}`)).toEqual([]);
  });

  it.each([{ started_at: "yesterday" }, { finished_at: null }, { openclaw_version: "" }, { scenarios: {} }, { scenarios: [{ id: "a" }] }, { log_artifact_url: "javascript:alert(1)" }, { result: 7 }])("%j is 422", async (change) => {
    expect(await report(runOf(uniqueName("2026."), change))).toMatchObject({ status: 422, body: { code: "validation_error" } });
  });
});

describe("lists", () => {
  it("are newest first, by version and runtime; the latest may be none", async () => {
    const version = uniqueName("2026.");
    const at = (hour: number, runtime: string) => report(runOf(version, { started_at: `2026-11-21T0${hour}:00:00Z`, runtime }));
    const ids = [(await at(2, "openclaw")).body.id, (await at(1, "openclaw")).body.id, (await at(3, "hermes")).body.id];
    expect((await list(`openclaw_version=${version}`)).map((run) => run.id)).toEqual([ids[2], ids[0], ids[1]]);
    expect((await list(`openclaw_version=${version}&limit=1`)).map((run) => run.id)).toEqual([ids[2]]);
    const latest = (query: string) => call<Run | null>("GET", `${RUNS}/latest?${query}`);
    expect((await latest(`openclaw_version=${version}`)).body).toMatchObject({ id: ids[2] });
    expect((await latest(`openclaw_version=${version}&runtime=openclaw`)).body).toMatchObject({ id: ids[0] });
    expect(await latest(`openclaw_version=${uniqueName("never")}`)).toMatchObject({ status: 200, body: null });
    expect((await latest("runtime=hermes")).status).toBe(422);
    for (const query of ["limit=0", "limit=201"]) expect((await call("GET", `${RUNS}?${query}`)).status).toBe(422);
  });

  it("read what they show and no more", async () => {
    await fill(2_000, (numbers) => `INSERT INTO compat_runs (runtime, openclaw_version, plugin_version, cli_version, result, scenarios, started_at, created_at, updated_at)
      SELECT CASE n % 2 WHEN 0 THEN 'hermes' ELSE 'openclaw' END, 'cost-' || (n % 10), '1', '1', 'pass', '[]', n, n, n FROM ${numbers}`);
    for (const query of [{}, { runtime: "hermes" }, { openclaw_version: "cost-3" }, { openclaw_version: "cost-3", runtime: "openclaw" }]) {
      const { result, cost } = await costOf((ctx) => listCompatRuns(ctx, ListRunsQuery.parse(query)));
      expect(result).toHaveLength(20);
      expect(cost.queries).toBe(1);
      expect(cost.scans).toEqual([]);
      expect(cost.rowsRead / 20, JSON.stringify({ query, cost })).toBeLessThan(20);
    }
  });
});

describe("removal", () => {
  it("is of one run or of all of a version, and is written down", async () => {
    const version = uniqueName("2026.");
    const { id } = (await report(runOf(version))).body;
    expect(await call("DELETE", `${RUNS}/${id}`)).toMatchObject({ status: 200, body: { deleted: 1 } });
    expect(await call("DELETE", `${RUNS}/${id}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await audited("compat_run.delete", id)).toMatchObject([{ actor: "user", before: { openclaw_version: version, result: "fail" }, after: null }]);
    await fill(250, (numbers) => `INSERT INTO compat_runs (runtime, openclaw_version, plugin_version, cli_version, result, scenarios, started_at, created_at, updated_at) SELECT 'openclaw', '${version}', '1', '1', 'pass', '[]', n, n, n FROM ${numbers}`);
    const { id: other } = (await report(runOf(`${version}x`))).body;
    expect(await call("DELETE", `${RUNS}?openclaw_version=${version}`)).toMatchObject({ status: 200, body: { deleted: 250 } });
    expect(await call("DELETE", `${RUNS}?openclaw_version=${version}`)).toMatchObject({ status: 200, body: { deleted: 0 } });
    expect(await list(`openclaw_version=${version}x`)).toMatchObject([{ id: other }]);
    expect(await audited("compat_run.delete_version", version)).toEqual([{ actor: "user", before: { runs: 250 }, after: { runs: 0 } }]);
    expect((await call("DELETE", RUNS)).status).toBe(422);
    expect((await call("DELETE", `${RUNS}?openclaw_version=`)).status).toBe(422);
  });
});

describe("a run on demand", () => {
  const github = (status: number, body: unknown = null) => vi.spyOn(globalThis, "fetch").mockImplementation(async () => (status === 204 ? new Response(null, { status }) : Response.json(body, { status })));

  it("starts the workflow with texts alone, and is written down", async () => {
    const version = uniqueName("2026.");
    const fetched = github(204);
    expect(await dispatch({ openclaw_version: version, plugin_version: null, runtime: "hermes" })).toEqual({
      status: 200,
      body: { ok: true, dispatched: true, repository: "den/compat", workflow: "openclaw-compat.yml", ref: "main", inputs: { openclaw_version: version, runtime: "hermes" } },
    });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe("https://api.github.com/repos/den/compat/actions/workflows/openclaw-compat.yml/dispatches");
    expect(JSON.parse(String(init?.body))).toEqual({ ref: "main", inputs: { openclaw_version: version, runtime: "hermes" } });
    expect(await audited("compat_run.dispatch", version)).toEqual([{ actor: "user", before: null, after: { repository: "den/compat", workflow: "openclaw-compat.yml", ref: "main", inputs: { openclaw_version: version, runtime: "hermes" } } }]);
  });

  it.each([
    [404, 502, "bad_gateway"],
    [401, 502, "bad_gateway"],
    [422, 422, "validation_error"],
    [500, 503, "dependency_unavailable"],
  ])("GitHub's %i is %i, and leaves no trace", async (theirs, ours, code) => {
    const version = uniqueName("2026.");
    github(theirs, { message: "No ref found" });
    const answer = await dispatch({ openclaw_version: version });
    expect(answer).toMatchObject({ status: ours, body: { code } });
    expect(JSON.stringify(answer.body)).not.toContain("github_pat");
    expect(await audited("compat_run.dispatch", version)).toEqual([]);
  });

  it("is refused without a version, and where none is configured", async () => {
    const fetched = github(204);
    for (const body of [{}, { openclaw_version: "" }, { openclaw_version: 7 }, { openclaw_version: "1", runtime: ["hermes"] }]) expect((await dispatch(body)).status).toBe(422);
    expect(await call("POST", `${RUNS}/dispatch`, { openclaw_version: "1" })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(fetched).not.toHaveBeenCalled();
  });
});
