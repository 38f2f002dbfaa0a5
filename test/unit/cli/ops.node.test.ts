import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { saveAuth } from "../../../cli/src/core/auth-store";
import { settPaths } from "../../../cli/src/core/paths";
import { FakeServer } from "./fake-server";
import { temporaryHome } from "./support";

// Real processes on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

type Json = Record<string, unknown>;

const bundleHome = temporaryHome();
const bundle = join(bundleHome.path, "sett.mjs");
let server: FakeServer;
let home: ReturnType<typeof temporaryHome>;

beforeAll(() => {
  execFileSync(process.execPath, [fileURLToPath(new URL("../../../cli/build.mjs", import.meta.url).href), bundle]);
});
afterAll(() => bundleHome.remove());
beforeEach(async () => {
  server = new FakeServer();
  await server.start();
  home = temporaryHome();
  // A machine's login is there, and never used for this.
  saveAuth(settPaths(home.path), { server: server.url, access_token: server.token, user_id: "@ada:x.test", expires_at: null, instance_id: "box-1" });
});
afterEach(async () => {
  await server.kill();
  home.remove();
});

const AT = "2026-11-01T00:00:00.000Z";
const ADMIN = { SETT_ADMIN_TOKEN: "admin-token" };

async function ops(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string; readonly json: Json }> {
  const { SETT_ADMIN_TOKEN: _, SETT_ADMIN_EMAIL: __, SETT_ADMIN_PASSWORD: ___, ...plain } = process.env;
  const child = spawn(process.execPath, [bundle, "ops", ...args, "--server", server.url], { env: { ...plain, SETT_HOME: home.path, NO_COLOR: "1", ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const line = out.split("\n").findLast((candidate) => candidate.startsWith("{"));
  return { code, text: out + err, json: line === undefined ? {} : (JSON.parse(line) as Json) };
}

/** Serves one path below /api/v1/admin/ops to administrators. */
function serve(method: string, path: string, body: unknown, status = 200): void {
  server.routes.push({ method, path: new RegExp(`^/api/v1/admin/ops/${path}$`), answer: ({ token }) => (token === "admin-token" ? { status, body } : { status: 401, body: { detail: "The access token is not valid.", code: "unauthenticated" } }) });
}
const asked = () => server.requests.map(({ method, url, body }) => ({ method, path: `${url.pathname}${url.search}`, body }));

describe("sett ops", () => {
  it("shows dead letters, and sends them again or drops them", async () => {
    const letter = { id: "bot.settle:b/1:2", type: "bot.settle", reason: "retries are used up", payload: "b/1", retryable: true, created_at: AT };
    serve("GET", "dead-letters", { dead_letters: [letter], total: 7, next_cursor: "c" });
    serve("POST", "dead-letters/[^/]+/retry", { id: letter.id, queued: true, message: "" });
    serve("DELETE", "dead-letters/[^/]+", undefined, 204);
    const shown = await ops(ADMIN, "dead-letters", "--type", "bot.settle", "-n", "1");
    expect(shown.text).toMatch(/ago\s+bot\.settle\s+retries are used up\s+"b\/1"\s+bot\.settle:b\/1:2/);
    expect(shown.text).toContain("7 in all");
    expect((await ops(ADMIN, "dead-letters", "--json")).json).toEqual({ dead_letters: [letter], total: 7, next_cursor: "c" });
    expect((await ops(ADMIN, "dead-letters", "--retry", letter.id, "--json")).json).toMatchObject({ event: "retried", id: letter.id, queued: true });
    expect(await ops(ADMIN, "dead-letters", "--drop", letter.id)).toMatchObject({ code: 0, text: expect.stringContaining("dropped") });
    expect(asked().map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /api/v1/admin/ops/dead-letters?type=bot.settle&limit=1",
      "GET /api/v1/admin/ops/dead-letters?limit=50",
      "POST /api/v1/admin/ops/dead-letters/bot.settle%3Ab%2F1%3A2/retry",
      "DELETE /api/v1/admin/ops/dead-letters/bot.settle%3Ab%2F1%3A2",
    ]);
  });

  it("shows the outbox, cron jobs, findings and lateness", async () => {
    serve("GET", "outbox", { effects: [{ id: "eff_1", type: "mail.send", state: "parked", attempts: 12, last_error: "no", due_at: AT, parked_at: AT, created_at: AT }], next_cursor: null });
    serve("GET", "outbox/counts", { pending: 3, due: 1, parked: 1, oldest_due_at: AT, by_type: [] });
    const run = { job: "outbox.sweep", scheduled_at: AT, started_at: AT, ended_at: AT, outcome: "failed", error: "away", duration_ms: 5 };
    serve("GET", "cron", { jobs: [{ ...run, failures_last_day: 2 }] });
    serve("GET", "cron/outbox.sweep", { runs: [run], next_cursor: null });
    serve("GET", "cron-failures", { runs: [run], next_cursor: null });
    serve("GET", "findings", { findings: [{ id: 1, kind: "lost_computer", subject: "vm-1", driver: "orgo", detail: {}, first_seen_at: AT, last_seen_at: AT, resolved_at: null }], next_cursor: null });
    serve("GET", "lag", { outbox: { due: 1, oldest_due_at: AT, oldest_age_seconds: 180, parked: 4 }, queue: { handled_last_5_minutes: 2, handled_last_hour: 9, capped: false, last_handled_at: AT, late_ms: { p50: 3, p95: 8, max: 9 } }, dead_letters: { total: 1, newest_at: AT, by_type: [{ type: "bot.settle", count: 1, newest_at: AT }] } });
    expect((await ops(ADMIN, "outbox")).text).toMatch(/mail\.send\s+parked\s+12\s+no\s+eff_1\n[^]*3 pending \(1 due\), 1 parked/);
    expect((await ops(ADMIN, "cron")).text).toMatch(/outbox\.sweep\s+.* ago\s+failed\s+5 ms\s+2\s+away/);
    expect((await ops(ADMIN, "cron", "outbox.sweep", "--failures", "--json")).json).toEqual({ runs: [run], next_cursor: null });
    expect((await ops(ADMIN, "cron", "--failures")).text).toContain("away");
    expect((await ops(ADMIN, "findings")).text).toMatch(/lost_computer\s+vm-1\s+orgo/);
    expect((await ops(ADMIN, "lag")).text).toMatch(/1 due, the oldest 3 min old; 4 gave up[^]*2 handled in 5 min, 9 in an hour[^]*1, 1 bot\.settle/);
    expect(asked().map(({ path }) => path)).toContain("/api/v1/admin/ops/cron/outbox.sweep?limit=50&outcome=failed");
  });

  it("searches the audit by what is asked", async () => {
    serve("GET", "audit", { entries: [{ id: 1, created_at: AT, action: "gate.set", actor_type: "user", actor_id: "5", tenant_id: null, subject_type: "gate", subject_id: "a:b", detail: { before: null }, request_id: "r", ip: "10.0.0.1", user_agent: null }], next_cursor: null });
    expect((await ops(ADMIN, "audit", "--actor", "5", "--action", "gate", "--subject", "gate:a:b", "--since", AT, "--tenant", "3")).text).toMatch(/gate\.set\s+user 5\s+gate:a:b\s+10\.0\.0\.1/);
    expect(Object.fromEntries(server.requests[0]?.url.searchParams ?? [])).toEqual({ actor_id: "5", action: "gate", subject_type: "gate", subject_id: "a:b", tenant_id: "3", since: AT, limit: "50" });
    expect(await ops(ADMIN, "audit", "--since", "whenever", "--json")).toMatchObject({ code: 2, json: { code: "bad_time" } });
    expect(await ops(ADMIN, "audit", "--subject", "gate")).toMatchObject({ code: 2 });
    await ops(ADMIN, "audit", "--since", "2h");
    expect(Date.now() - Date.parse(server.requests.at(-1)?.url.searchParams.get("since") ?? "")).toBeGreaterThanOrEqual(7_200_000);
  });

  it("turns a gate, and leaves the rest of its setting", async () => {
    const gate = { key: "signup.open", guards: "New accounts", is_set: true, enabled: true, percentage: 30, allowed_accounts: [7], note: "slowly", updated_at: AT };
    serve("GET", "gates", { gates: [gate] });
    serve("GET", "gates/signup.open", gate);
    serve("PUT", "gates/signup.open", { ...gate, enabled: false });
    expect((await ops(ADMIN, "gates")).text).toMatch(/signup\.open\s+open for 30 %\s+7\s+New accounts\s+slowly/);
    expect((await ops(ADMIN, "gates", "--close", "signup.open")).text).toContain("signup.open is shut");
    expect(asked().at(-1)?.body).toEqual({ enabled: false, percentage: 30, allowed_accounts: [7], note: "slowly" });
  });

  it("needs an administrator's credential and never sends the machine's", async () => {
    serve("GET", "lag", {});
    expect(await ops({}, "lag", "--json")).toMatchObject({ code: 3, json: { code: "no_admin", hint: expect.stringContaining("SETT_ADMIN_TOKEN") } });
    expect(server.requests).toEqual([]);
    expect(await ops({ SETT_ADMIN_TOKEN: "dead" }, "lag", "--json")).toMatchObject({ code: 3, json: { hint: expect.stringContaining("SETT_ADMIN_TOKEN") } });
    server.routes.unshift({ method: "GET", path: /ops\/gates$/, answer: () => ({ status: 403, body: { detail: "This needs an administrator.", code: "forbidden" } }) });
    expect(await ops(ADMIN, "gates", "--json")).toMatchObject({ code: 5, json: { code: "forbidden", message: "This needs an administrator." } });
    expect(server.requests.map((request) => request.token)).not.toContain(server.token);
  });

  it("signs in with a name and a password for one command, and out again", async () => {
    server.routes.push(
      { method: "POST", path: /^\/api\/v1\/admin\/login$/, answer: ({ body }) => (body["password"] === "right" ? { status: 200, body: { access_token: "admin-token" } } : { status: 401, body: { detail: "Wrong.", code: "invalid_credentials" } }) },
      { method: "POST", path: /^\/api\/v1\/user\/logout$/, answer: () => ({ status: 200, body: {} }) },
    );
    serve("GET", "findings", { findings: [], next_cursor: null });
    expect(await ops({ SETT_ADMIN_EMAIL: "a@x.test", SETT_ADMIN_PASSWORD: "right" }, "findings")).toMatchObject({ code: 0, text: expect.stringContaining("nothing differs") });
    expect(server.requests.map(({ url, token }) => `${url.pathname} ${token}`)).toEqual(["/api/v1/admin/login undefined", "/api/v1/admin/ops/findings admin-token", "/api/v1/user/logout admin-token"]);
    expect(await ops({ SETT_ADMIN_EMAIL: "a@x.test", SETT_ADMIN_PASSWORD: "wrong" }, "findings")).toMatchObject({ code: 3 });
  });
});
