import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { FakeServer, type FakeAnswer, type FakeRequest } from "./fake-server";
import { temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

type Json = Record<string, unknown>;
const ADA = { id: 1, email: "ada@example.org", name: "Ada", role: "superadmin", is_active: true, last_login_at: null, created_at: "2026-01-01T00:00:00.000Z" };
const BOB = { ...ADA, id: 2, email: "Bob@example.org", name: "Bob", role: "admin" };
const PASSWORD = "correct horse battery";

const bundleHome = temporaryHome();
const bundle = join(bundleHome.path, "sett.mjs");
beforeAll(() => {
  execFileSync(process.execPath, [fileURLToPath(new URL("../../../cli/build.mjs", import.meta.url).href), bundle]);
});
afterAll(() => bundleHome.remove());

let server: FakeServer;
let home: ReturnType<typeof temporaryHome>;
beforeEach(async () => {
  server = new FakeServer();
  await server.start();
  home = temporaryHome();
  const route = (method: string, path: RegExp, answer: (request: FakeRequest) => FakeAnswer) => server.routes.push({ method, path, answer });
  const asAda = (answer: () => FakeAnswer) => (request: FakeRequest) => (request.token === "ada-now" ? answer() : { status: 401, body: { detail: "no", code: "unauthenticated" } });
  route("POST", /^\/api\/v1\/admin\/login$/, ({ body }) => (body["email"] === ADA.email && body["password"] === PASSWORD ? { status: 200, body: { access_token: "ada-now" } } : { status: 401, body: { detail: "wrong", code: "invalid_credentials" } }));
  route("GET", /^\/api\/v1\/admin\/ops\/admins$/, asAda(() => ({ status: 200, body: { administrators: [ADA, BOB] } })));
  route("POST", /^\/api\/v1\/admin\/ops\/admins$/, asAda(() => ({ status: 200, body: { ...BOB, role: "superadmin" } })));
  route("DELETE", /^\/api\/v1\/admin\/ops\/admins\/2$/, asAda(() => ({ status: 200, body: { ok: true } })));
  route("DELETE", /^\/api\/v1\/admin\/ops\/admins\/1$/, asAda(() => ({ status: 409, body: { detail: "This is the last superadministrator.", code: "last_superadmin" } })));
  route("POST", /^\/api\/v1\/user\/logout$/, asAda(() => ({ status: 200, body: { success: true } })));
});
afterEach(async () => {
  await server.kill();
  home.remove();
});

async function sett(args: readonly string[], { env = {}, stdin = "" }: { env?: Record<string, string>; stdin?: string } = {}) {
  const { SETT_ADMIN_EMAIL: _email, SETT_ADMIN_PASSWORD: _password, ...outer } = process.env;
  const child = spawn(process.execPath, [bundle, "admin", ...args, "--server", server.url], { env: { ...outer, SETT_HOME: home.path, NO_COLOR: "1", ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const line = text.split("\n").findLast((candidate) => candidate.startsWith("{"));
  return { code, text, json: line === undefined ? {} : (JSON.parse(line) as Json) };
}
const asAda = { env: { SETT_ADMIN_EMAIL: ADA.email, SETT_ADMIN_PASSWORD: PASSWORD } };
const calls = () => server.requests.map(({ method, url }) => `${method} ${url.pathname}`);

it("lists, adds and removes, and signs out of that one session each time", async () => {
  expect(await sett(["list", "--json"], asAda)).toMatchObject({ code: 0, json: { administrators: [{ email: ADA.email }, { email: BOB.email, role: "admin" }] } });
  const shown = await sett(["list"], asAda);
  expect(shown.text).toMatch(/E-MAIL\s+ROLE[^]*ada@example.org\s+superadmin\s+active/);
  expect(await sett(["add", BOB.email, "--role", "superadmin", "--json"], asAda)).toMatchObject({ code: 0, json: { event: "appointed", administrator: { email: BOB.email, role: "superadmin" } } });
  expect(server.requests.find(({ method, url }) => method === "POST" && url.pathname.endsWith("/admins"))?.body).toEqual({ email: BOB.email, role: "superadmin" });
  expect(await sett(["remove", "bob@EXAMPLE.org", "--json"], asAda)).toMatchObject({ code: 0, json: { event: "dismissed", email: BOB.email } });
  expect(calls().filter((call) => call.includes("/user/logout")).length).toBe(4);
  expect(calls().filter((call) => call.includes("/admin/logout"))).toEqual([]);
});

it("takes the password from stdin, and never prints it", async () => {
  const answer = await sett(["list", "--json", "--as", ADA.email], { stdin: `${PASSWORD}\n` });
  expect(answer.code).toBe(0);
  expect(answer.text).not.toContain(PASSWORD);
});

it("says what is wrong, with its code", async () => {
  expect(await sett(["list", "--json"])).toMatchObject({ code: 2, json: { code: "no_admin_email" } });
  expect(await sett(["list", "--json", "--as", ADA.email])).toMatchObject({ code: 2, json: { code: "no_admin_password" } });
  expect(await sett(["list", "--json", "--as", ADA.email], { stdin: "wrong\n" })).toMatchObject({ code: 3, json: { code: "bad_admin_login" } });
  expect(await sett(["remove", ADA.email, "--json"], asAda)).toMatchObject({ code: 5, json: { code: "last_superadmin" } });
  expect(await sett(["remove", "eve@example.org", "--json"], asAda)).toMatchObject({ code: 5, json: { code: "no_admin" } });
  expect((await sett(["add", BOB.email, "--role", "king"], asAda)).code).toBe(2);
});
