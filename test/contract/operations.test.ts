import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { fleet } from "../../src/fleet";
import type { Operation } from "../../src/kernel/operation";
import { findFeature } from "../../src/kernel/registry";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type ApiAnswer, type TestUser } from "../support/client";
import { insertBot } from "../support/bots";
import { registerMachine } from "../support/machines";

/** What every operation owes its callers, asked of the registry, so that a new operation is covered on the day it is added. */

interface Listed {
  readonly feature: string;
  readonly op: Operation["spec"];
}
const listed: readonly Listed[] = (
  await Promise.all(fleet.features.map(async (feature) => (await feature.load()).operations.map((operation) => ({ feature: feature.name, op: operation.spec }))))
).flat();

const named = (keep: (op: Operation["spec"]) => boolean) => listed.filter(({ op }) => keep(op)).map(({ op }) => [op.id, op] as const);
const isMutation = (op: Operation["spec"]) => op.method !== "get";
const takesBody = (op: Operation["spec"]) => op.body !== undefined && op.method !== "get";
const needsOwner = (op: Operation["spec"]) => !op.auth.includes("none");
/** Open to everybody who is signed in, and to their own things only. */
const ownersOnly = (op: Operation["spec"]) => op.auth.includes("user") || op.auth.includes("cliToken");

/** Change nothing in D1 themselves, so nothing commits an audit row. */
const WITHOUT_AUDIT: Readonly<Record<string, string>> = {
  "fleet.machines.heartbeat": "the machine's object keeps its state; D1 follows by projection",
  "fleet.machines.disconnect": "the machine's object writes machine.offline to its history",
  "fleet.commands.create": "the command itself is kept by the machine's object",
  "fleet.commands.acknowledge": "kept with the command",
  "fleet.commands.record-result": "kept with the command and in the machine's history",
  "fleet.gateway.restart": "a command like any other",
  "fleet.hermes.restart": "a command like any other",
  "fleet.bot-status.leave-room": "a command like any other",
  "fleet.cross-bot.send": "the message is the homeserver's; D1 keeps nothing of it",
  "fleet.app-versions.check": "only reads: a question with a body",
  "fleet.subscriptions.portal": "the page is the provider's",
  "fleet.trials.checkDevice": "only reads: a question with a body",
  "fleet.matrix-admin.get-rooms-meta": "only reads: a question with a body",
  "fleet.capabilities.refresh-of-user": "only forgets what was read",
};

/** Path parameters that name nobody's property, with why. */
const OPEN_PARAMETERS: Readonly<Record<string, string>> = {
  code: "a started CLI login belongs to nobody yet; whoever holds the verifier gets it",
  user_id: "part of a file's address, which its signature covers",
  name: "part of a file's address, which its signature covers",
  platform: "one of a fixed list",
  room_id: "whether a room may be cleaned up, the homeserver says, not the caller",
};

/** Whose room it is only a homeserver knows, and here is none: test/homeserver asks these. */
const HOMESERVER_KNOWS: readonly string[] = ["fleet.bot-rooms.info", "fleet.bot-rooms.messages", "fleet.cross-bot.poll-response"];

/** Bodies that are fine as far as their schema goes, where one is required beside a path parameter. */
const VALID_BODY: Readonly<Record<string, unknown>> = {
  "fleet.vm-addons.assign": { addon_id: null },
  "fleet.bot-status.leave-room": { roomId: "!room:sett.test" },
  "fleet.bot-shares.create": { shared_with_user_id: "@nobody:sett.test" },
  "fleet.bot-rooms.set-mode": { mode: "mention" },
  "fleet.bot-shares.toggle": { enabled: false },
  "fleet.hermes.bootstrap": { recovery_key: "k".repeat(40) },
  "fleet.commands.record-result": { status: "success", result: "done" },
  "fleet.bots.update": { bot_name: "Rocco" },
  "fleet.downgrades.resolve": { feature: "max_bots", keep_ids: [] },
  "fleet.downgrades.resolve-for": { feature: "max_bots", keep_ids: [] },
  "fleet.downgrades.impose": { to_plan: "free" },
  "fleet.downgrades.raise-plan": { to_plan: "team" },
  "fleet.upgrades.resolve": { feature: "max_bots", reenable_ids: [] },
  "fleet.recovery-keys.store": { recovery_key: "key", device_id: "DEVICE" },
  "fleet.recovery-keys.update": { recovery_key: "key", device_id: "DEVICE" },
};

type ErrorBody = Record<string, unknown>;

function expectError(answer: ApiAnswer<ErrorBody>, status: number, code?: string): void {
  const context = JSON.stringify(answer.body).slice(0, 300);
  expect(answer.status, context).toBe(status);
  expect(answer.headers.get("content-type"), context).toContain("application/json");
  expect(answer.body["code"], context).toMatch(/^[a-z][a-z_]+$/);
  if (code !== undefined) expect(answer.body["code"]).toBe(code);
  expect(answer.body["request_id"]).toMatch(/^req_[0-9a-z]{20}$/);
  expect(answer.headers.get("x-request-id")).toBe(answer.body["request_id"]);
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  if (Array.isArray(answer.body["detail"])) expect(answer.body["error"]).toBe("validation_error");
  else {
    expect(typeof answer.body["detail"]).toBe("string");
    expect(answer.body["detail"]).not.toBe("");
    expect(answer.body["error"]).toBe(answer.body["detail"]);
  }
  if (status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
}

const fillPath = (path: string, value: (name: string) => string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name)));
/** An id of the shape that the operation's parameter has, of nothing that exists. */
function unknownId(op: Operation["spec"], name: string): string {
  const others = Object.fromEntries([...op.path.matchAll(/\{(\w+)\}/g)].map((match) => [match[1], "1"]));
  const random = String(900_000_000 + (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 99_000_000);
  return [uniqueName("nobody"), crypto.randomUUID(), random].find((id) => op.params?.safeParse({ ...others, [name]: id }).success) ?? random;
}
const anyPath = (op: Operation["spec"]): string => fillPath(op.path, (name) => unknownId(op, name));
const headersOf = (op: Operation["spec"]): Record<string, string> => (op.path.endsWith("/socket") ? { upgrade: "websocket" } : {});
const call = (op: Operation["spec"], options: { token?: string | undefined; body?: unknown; path?: string }) =>
  api<ErrorBody>(op.method.toUpperCase(), options.path ?? anyPath(op), { token: options.token, body: options.body, headers: headersOf(op) });

let user: TestUser;
let owner: TestUser;
let admin: TestUser;
/** An administrator, but no superadministrator. */
let lesser: TestUser;
let cliToken: string;
/** Ids that exist and belong to {@link owner}, by the parameter's name; where two operations mean different things by it, by both names. */
let owned: Readonly<Record<string, string>>;

beforeAll(async () => {
  user = await signUpUser();
  cliToken = (await mintToken(user)).token;
  owner = await signUpUser();
  admin = await signUpUser();
  lesser = await signUpUser();
  const { DB } = env as unknown as { DB: D1Database };
  await DB.batch([DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(admin.userId), DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(lesser.userId)]);
  const instanceId = await registerMachine(owner);
  const { id: commandId } = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: owner.accessToken, body: { instance_id: instanceId, command_type: "update_cli" } });
  const { device_token_id: deviceId } = await expectStatus<{ device_token_id: number }>(200, "POST", "/api/v1/push/register", { token: owner.accessToken, body: { device_token: uniqueName("token"), platform: "ios" } });
  const bot = await insertBot(owner);
  const { code } = await expectStatus<{ code: string }>(200, "POST", "/api/v1/pairing/create", { token: owner.accessToken, body: { bot_id: bot.id } });
  const pairingId = await DB.prepare("SELECT id FROM pairings WHERE bot_id = ?").bind(bot.id).first<string>("id");
  const { id: shareId } = await expectStatus<{ id: number }>(201, "POST", `/api/v1/bots/${bot.id}/shares`, { token: owner.accessToken, body: { shared_with_user_id: admin.matrixId } });
  const [transferId, digest] = [uniqueName("skt_"), "d".repeat(64)];
  await DB.batch([
    DB.prepare("INSERT INTO skill_contents VALUES (?, ?, 1, 'text', ?, ?)").bind(owner.userId, digest, Date.now(), Date.now()),
    DB.prepare("INSERT INTO skill_transfers VALUES (?, ?, 'dig', '', ?, ?, ?, 'waiting_source', NULL, NULL, NULL, ?, ?, 0, 0, 1)").bind(transferId, owner.userId, instanceId, instanceId, digest, Date.now(), Date.now()),
  ]);
  const addonId = crypto.randomUUID();
  await DB.prepare("INSERT INTO user_cloud_vm_addons (id, tenant_id, source, external_id, status, created_at, updated_at) VALUES (?, ?, 'stripe', ?, 'active', ?, ?)").bind(addonId, owner.userId, uniqueName("sub_"), Date.now(), Date.now()).run();
  const [downgradeId, upgradeId] = [crypto.randomUUID(), crypto.randomUUID()];
  await DB.batch([
    DB.prepare("INSERT INTO downgrade_requests (id, tenant_id, from_plan_id, to_plan_id, reason, grace_ends_at, resolved_features, created_at, updated_at) VALUES (?, ?, 3, 1, 'user_manual', ?, '[]', 0, 0)").bind(downgradeId, owner.userId, Date.now() + 86_400_000),
    DB.prepare("INSERT INTO upgrade_requests (id, tenant_id, from_plan_id, to_plan_id, trigger, cause, resolved_features, created_at, updated_at) VALUES (?, ?, 1, 3, 'admin_upgrade', 'test', '[]', 0, 0)").bind(upgradeId, owner.userId),
  ]);
  owned = { "fleet.downgrades.resolve request_id": downgradeId, "fleet.upgrades.resolve request_id": upgradeId, "fleet.upgrades.dismiss request_id": upgradeId, bot_id: bot.id, "fleet.vm-addons.cancel addon_id": addonId, room_id: "!room:sett.localhost", share_id: String(shareId), transfer_id: transferId, digest, name: bot.username, code, "fleet.pairings.repair session_id": pairingId ?? "", device_id: String(deviceId), instance_id: instanceId, command_id: commandId, session_id: String(owner.sessionId), user_id: String(owner.userId), token_id: (await mintToken(owner)).id };
});

describe("the registry", () => {
  it("is not empty and names every operation once, as family.feature.verb", () => {
    expect(listed.length).toBeGreaterThan(30);
    const ids = listed.map(({ op }) => op.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^fleet\.[a-z]+(-[a-z]+)*\.[a-z]+([A-Z][a-z]+)*(-[a-z]+)*$/);
  });

  it("has every method and path once, also where parameters have other names", () => {
    const places = listed.map(({ op }) => `${op.method} ${op.path.replace(/\{\w+\}/g, "{}")}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it.each(listed.map(({ feature, op }) => [op.id, feature, op] as const))("routes %s to its own feature, and its schemas fit its path", (_, feature, op) => {
    expect(findFeature(fleet.features, anyPath(op))?.name).toBe(feature);
    expect(op.params !== undefined).toBe(op.path.includes("{"));
    expect(op.output !== undefined || op.produces !== undefined || op.status === 204).toBe(true);
    expect(op.auth.includes("none") && op.auth.length > 1).toBe(false);
    if (op.auth.includes("none")) expect(["credential", "public"]).toContain(op.limit);
    if (op.tokenInQuery) expect(op.query?.safeParse({ token: "x" }).success).toBe(true);
  });

  it("audits every change of D1", () => {
    const silent = listed.filter(({ op }) => isMutation(op) && op.audit === undefined).map(({ op }) => op.id);
    expect(silent.sort()).toEqual(Object.keys(WITHOUT_AUDIT).sort());
    for (const { op } of listed) if (op.audit !== undefined) expect(op.audit).toMatch(/^[a-z_]+\.[a-z_]+$/);
  });

  it("asks D1 whether a credential lives, unless an object vouches for it", () => {
    expect(listed.filter(({ op }) => op.live === false).map(({ op }) => op.id).sort()).toEqual(["fleet.commands.acknowledge", "fleet.commands.record-result", "fleet.machines.disconnect", "fleet.machines.heartbeat", "fleet.streams.socket"]);
  });
});

describe("credentials", () => {
  it.each(named(needsOwner))("%s: none is 401, forged ones are 401", async (_, op) => {
    expectError(await call(op, {}), 401, "unauthenticated");
    const swap = (text: string, at: number) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    const jwtBody = user.accessToken.indexOf(".") + 20;
    for (const token of [swap(user.accessToken, jwtBody), swap(cliToken, cliToken.indexOf("_cli_") + 12), swap(cliToken, cliToken.length - 4), user.idToken, user.refreshToken, "x"]) {
      expectError(await call(op, { token }), 401, "unauthenticated");
    }
    if (op.tokenInQuery) expectError(await call(op, { path: `${anyPath(op)}?token=${swap(cliToken, cliToken.length - 4)}` }), 401, "unauthenticated");
  });

  it.each(named((op) => needsOwner(op) && !op.auth.includes("cliToken")))("%s: a CLI token is 403", async (_, op) => {
    expectError(await call(op, { token: cliToken }), 403, "forbidden");
  });

  it.each(named((op) => needsOwner(op) && !ownersOnly(op)))("%s: a person who is no administrator is 403", async (_, op) => {
    expectError(await call(op, { token: user.accessToken }), 403, "forbidden");
  });

  it.each(named((op) => op.auth.includes("superadmin") && !op.auth.includes("admin")))("%s: an administrator who is no superadministrator is 403", async (_, op) => {
    expectError(await call(op, { token: lesser.accessToken }), 403, "forbidden");
  });

  it("asks administrators of everything below /api/v1/admin, but for the ways in", () => {
    const open = listed.filter(({ op }) => op.path.startsWith("/api/v1/admin/") && !op.auth.every((kind) => kind === "admin" || kind === "superadmin")).map(({ op }) => op.id);
    expect(open.sort()).toEqual(["fleet.admin-sessions.create", "fleet.admin-sessions.refresh", "fleet.compat-runs.record"]);
  });

  it.each(named((op) => needsOwner(op) && !op.tokenInQuery))("%s: a token in the query is none", async (_, op) => {
    expectError(await call(op, { path: `${anyPath(op)}?token=${encodeURIComponent(user.accessToken)}` }), 401, "unauthenticated");
  });
});

describe("bodies", () => {
  // They take turns: all these tries are more than one of them may make in a minute.
  let people: readonly string[];
  let administrators: readonly string[];
  beforeAll(async () => {
    const crowd = await Promise.all(Array.from({ length: 6 }, () => signUpUser()));
    const { DB } = env as unknown as { DB: D1Database };
    const promoted = crowd.slice(4);
    await DB.batch(promoted.map(({ userId }) => DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(userId)));
    people = crowd.slice(0, 4).map(({ accessToken }) => accessToken);
    administrators = promoted.map(({ accessToken }) => accessToken);
  });
  const turnOf = (op: Operation["spec"], tokens: readonly string[]) => tokens[listed.findIndex((other) => other.op === op) % tokens.length];
  const tokenFor = (op: Operation["spec"]) => (needsOwner(op) ? turnOf(op, ownersOnly(op) ? people : administrators) : undefined);

  it.each(named((op) => takesBody(op) && op.admit !== undefined))("%s: what admits is asked before the body is read", async (_, op) => {
    const codes = new Set<unknown>();
    for (const body of [undefined, "{not json", [], "x".repeat(3 * 1024 * 1024)]) {
      const refused = await call(op, body === undefined ? {} : { body });
      expect([401, 503], JSON.stringify(refused.body)).toContain(refused.status);
      codes.add(refused.body["code"]);
    }
    expect(codes.size).toBe(1);
  });

  it.each(named((op) => takesBody(op) && op.admit === undefined))("%s: malformed JSON, a list, too much, and nothing", async (_, op) => {
    const token = tokenFor(op);
    for (const body of ["{not json", '{"a":1', "\u0000"]) {
      const malformed = await call(op, { token, body });
      expectError(malformed, 422, "validation_error");
      expect(malformed.body["detail"]).toMatchObject([{ loc: ["body", expect.any(Number)], type: "json_invalid" }]);
    }
    for (const body of [[], "7", '"text"', "true"]) {
      const wrong = await call(op, { token, body });
      expectError(wrong, 422, "validation_error");
      expect((wrong.body["detail"] as { loc: unknown[] }[])[0]?.loc[0]).toBe("body");
    }
    const nothing = await call(op, { token });
    if (op.bodyOptional) expect([200, 201, 204, 400, 404, 503], JSON.stringify(nothing.body)).toContain(nothing.status);
    else expectError(nothing, 422, "validation_error");
  });

  it.each(named((op) => takesBody(op) && op.admit === undefined))("%s: ten megabytes are 413", async (_, op) => {
    expectError(await call(op, { token: tokenFor(op), body: `{"a":"${"x".repeat(10 * 1024 * 1024)}"}` }), 413, "payload_too_large");
  });

  it.each(named((op) => takesBody(op) && needsOwner(op)))("%s: credentials are asked before the body is read", async (_, op) => {
    expectError(await call(op, { body: "{not json" }), 401, "unauthenticated");
  });
});

describe("what belongs to somebody else", () => {
  const withParameters = named((op) => ownersOnly(op) && op.path.includes("{") && !HOMESERVER_KNOWS.includes(op.id));
  // Somebody fresh: the tries before have used up what one owner may do in a minute.
  let caller: TestUser;
  let callerCliToken: string;
  beforeAll(async () => {
    caller = await signUpUser();
    callerCliToken = (await mintToken(caller)).token;
  });

  it.each(withParameters)("%s: another user's id and an unknown one are the same 404", async (_, op) => {
    const unknown = (name: string) => (name === "command_id" ? `${owned["command_id"]}0` : unknownId(op, name));
    const foreign = (name: string) => {
      const id = owned[`${op.id} ${name}`] ?? owned[name];
      if (id === undefined) throw new Error(`give the test an id for {${name}}`);
      return id;
    };
    const body = VALID_BODY[op.id];
    for (const token of [caller.accessToken, ...(op.auth.includes("cliToken") ? [callerCliToken] : [])]) {
      const theirs = await call(op, { token, body, path: fillPath(op.path, foreign) });
      const nobodys = await call(op, { token, body, path: fillPath(op.path, unknown) });
      expectError(theirs, 404, "not_found");
      expectError(nobodys, 404, "not_found");
      expect(theirs.body["detail"]).toBe(nobodys.body["detail"]);
    }
  });

  it("has path parameters without an owner only where that is meant", () => {
    const open = listed.filter(({ op }) => !needsOwner(op)).flatMap(({ op }) => [...op.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
    expect([...new Set(open)].sort()).toEqual(Object.keys(OPEN_PARAMETERS).sort());
  });

  it("stays as it was after all those tries", async () => {
    const { token_id: tokenId, instance_id: instanceId, session_id: sessionId } = owned;
    const get = (path: string) => expectStatus<Record<string, unknown>>(200, "GET", path, { token: owner.accessToken });
    expect(await get(`/api/v1/user/cli-tokens/${tokenId}`)).toMatchObject({ status: "active", revoked_at: null });
    expect(await get(`/api/v1/dashboard/commands/${instanceId}`)).toMatchObject([{ status: "pending", result: null }]);
    expect((await get("/api/v1/user/sessions"))["sessions"]).toMatchObject([{ id: Number(sessionId) }]);
  });
});

describe("places that are none", () => {
  it.each(["/nowhere", "/api/v2/user/profile", "/api/v1", "/api/v1/user/profiles", ...fleet.features.flatMap((feature) => feature.prefixes.filter((prefix) => prefix !== "/").map((prefix) => `${prefix}/no/such/place`))])("GET %s is 404", async (path) => {
    expectError(await api<ErrorBody>("GET", path, { token: user.accessToken }), 404, "not_found");
  });

  it.each(listed.map(({ op }) => [op.id, op] as const))("%s: methods that nobody declared are refused", async (_, op) => {
    // Also by others whose parameter the last word of this path could be.
    const declared = new Set(listed.filter((other) => new RegExp(`^${other.op.path.replace(/\{\w+\}/g, "[^/]+")}$`).test(op.path)).map((other) => other.op.method));
    for (const method of ["put", "patch", "delete", "post"] as const) {
      if (declared.has(method)) continue;
      const answer = await api<ErrorBody>(method.toUpperCase(), anyPath(op), { token: user.accessToken });
      expect([404, 405], `${method} ${op.path}`).toContain(answer.status);
      expectError(answer, answer.status);
    }
  });

  it("lets browsers of any origin ask first", async () => {
    const preflight = await api("OPTIONS", "/api/v1/user/profile", { headers: { origin: "https://console.example", "access-control-request-method": "GET", "access-control-request-headers": "authorization" } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
  });
});
