import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import { announcePairing, renewPairing } from "../../../src/fleet/pairings";
import type { Env } from "../../../src/env";
import { insertBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type ApiAnswer, type TestUser } from "../../support/client";
import { registerMachine, SocketClient, StreamClient } from "../../support/machines";

const bindings = env as unknown as Env;
const EVENTS = "/api/v1/openclaw/events";
const DAY_MS = 86_400_000;

interface Created {
  readonly code: string;
  readonly expires_in: number;
  readonly target_instance_id: string | null;
}
interface Pending {
  readonly pair_code: string;
  readonly expires_in: number;
}

const create = (user: TestUser, botId: string, target?: string | null) => api<Created>("POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: botId, ...(target === undefined ? {} : { target_instance_id: target }) } });
const created = async (user: TestUser, botId: string, target?: string): Promise<Created> => {
  const { status, body } = await create(user, botId, target);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};
const pending = (token: string, instanceId?: string) => expectStatus<Pending[]>(200, "GET", `/api/v1/openclaw/pending-pairs${instanceId === undefined ? "" : `?instance_id=${instanceId}`}`, { token });
const codesOf = async (token: string, instanceId?: string) => (await pending(token, instanceId)).map((pair) => pair.pair_code);
const claim = (token: string, code: string) => api("POST", `/api/v1/openclaw/pending-pairs/${code}/claim`, { token });
const repair = (token: string, id: string): Promise<ApiAnswer<Record<string, unknown>>> => api("POST", `/api/v1/pairing/sessions/${id}/repair`, { token });

interface Row {
  readonly id: string;
  readonly bot_id: string;
  readonly status: string;
  readonly close_reason: string | null;
  readonly claimed_at: number | null;
  readonly target_instance_id: string | null;
}
const rowsOf = async (botId: string): Promise<readonly Row[]> => (await bindings.DB.prepare("SELECT * FROM pairings WHERE bot_id = ? ORDER BY created_at, rowid").bind(botId).all<Row & Record<string, unknown>>()).results;
const only = async (botId: string): Promise<Row> => {
  const [row, ...more] = await rowsOf(botId);
  if (!row || more.length > 0) throw new Error(`bot ${botId} has ${more.length + (row ? 1 : 0)} pairings`);
  return row;
};
const actionsOf = async (pairingId: string) =>
  (await bindings.DB.prepare("SELECT action, tenant_id, detail FROM audit_log WHERE subject_type = 'pairing' AND subject_id = ? ORDER BY id").bind(pairingId).all<{ action: string; tenant_id: number; detail: string }>()).results;

/** What redeeming leaves, where no homeserver lets us redeem. */
async function markRedeemed(botId: string, pairingId: string, instanceId: string, columns = ""): Promise<void> {
  await bindings.DB.prepare(`UPDATE pairings SET status = 'redeemed', instance_id = ?, redeemed_at = ?${columns} WHERE id = ?`).bind(instanceId, Date.now(), pairingId).run();
  await bindings.DB.prepare("UPDATE bots SET instance_id = ?, pairing_id = ? WHERE id = ?").bind(instanceId, pairingId, botId).run();
}

const systemContext = () => createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));

describe("a pairing code", () => {
  it("is made for a bot, found by its owner's machines, and never stored or audited in the clear", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    const machine = await registerMachine(user);
    const made = await created(user, bot.id, machine);
    expect(made).toEqual({ code: expect.stringMatching(/^BCK-[A-HJ-KM-NP-Z2-9]{4}-[A-HJ-KM-NP-Z2-9]{4}$/), expires_in: 600, bot_name: "Rocky", bot_user_id: bot.matrixId, target_instance_id: machine, session_id: (await only(bot.id)).id });
    const [pair] = await pending(user.accessToken);
    expect(pair).toEqual({ pair_code: made.code, bot_name: "Rocky", bot_user_id: bot.matrixId, expires_in: expect.any(Number), target_instance_id: machine, runtime: "openclaw", bot_id: bot.id });
    expect(pair?.expires_in).toBeGreaterThan(590);

    const row = await only(bot.id);
    const [audit] = await actionsOf(row.id);
    expect(audit).toMatchObject({ action: "pairing.create", tenant_id: user.userId });
    expect(JSON.parse(audit?.detail ?? "")).toEqual({ bot_id: bot.id, target_instance_id: machine });
    expect(JSON.stringify([row, audit])).not.toContain(made.code);
    expect((await create(user, bot.id)).body.target_instance_id).toBeNull();
  });

  it("replaces the bot's older ones, and no other bot's", async () => {
    const user = await signUpUser();
    const [bot, neighbour] = [await insertBot(user), await insertBot(user)];
    const kept = await created(user, neighbour.id);
    const first = await created(user, bot.id);
    const second = await created(user, bot.id);
    expect(await codesOf(user.accessToken)).toEqual([second.code, kept.code]);
    expect((await rowsOf(bot.id)).map((row) => [row.status, row.close_reason])).toEqual([["closed", "superseded"], ["pending", null]]);
    const racing = await Promise.all(Array.from({ length: 5 }, () => created(user, bot.id)));
    const left = (await codesOf(user.accessToken)).filter((code) => code !== kept.code);
    expect(left).toHaveLength(1);
    expect(racing.map(({ code }) => code)).toContain(left[0]);
    expect(left).not.toContain(first.code);
  });

  it("vanishes after ten minutes, and with its bot", async () => {
    const user = await signUpUser();
    const [late, deleted, parked] = [await insertBot(user), await insertBot(user), await insertBot(user)];
    for (const bot of [late, deleted, parked]) await created(user, bot.id);
    expect(await pending(user.accessToken)).toHaveLength(3);
    await bindings.DB.prepare("UPDATE pairings SET expires_at = ? WHERE bot_id = ?").bind(Date.now(), late.id).run();
    await expectStatus(200, "DELETE", `/api/v1/openclaw/bots/${deleted.username}`, { token: user.accessToken });
    await bindings.DB.prepare("UPDATE bots SET plan_disabled_at = ? WHERE id = ?").bind(Date.now(), parked.id).run();
    expect(await pending(user.accessToken)).toEqual([]);
  });

  it("is refused for what is no bot or machine of the caller, and for a bot that the plan does not carry", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const bot = await insertBot(user);
    const theirs = await registerMachine(stranger);
    const archived = await registerMachine(user);
    await bindings.DB.prepare("UPDATE instances SET archived_at = ? WHERE instance_id = ?").bind(Date.now(), archived).run();
    const foreign = await create(stranger, bot.id);
    const unknown = await create(user, crypto.randomUUID());
    expect([foreign.status, foreign.body]).toMatchObject([404, { code: "not_found" }]);
    expect((foreign.body as unknown as { detail: string }).detail).toBe((unknown.body as unknown as { detail: string }).detail);
    for (const target of [theirs, archived, "nobody", ""]) expect(await create(user, bot.id, target)).toMatchObject({ status: 403, body: { code: "pairing_target_mismatch" } });
    for (const status of ["creating", "deleted"]) expect(await create(user, (await insertBot(user, { status })).id)).toMatchObject({ status: 404 });
    expect(await create(user, (await insertBot(user, { plan_disabled_at: 1 })).id)).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
    expect(await pending(user.accessToken)).toEqual([]);
  });
});

describe("who is shown a code", () => {
  it("the machine it is for, and who may be any machine; not the others", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const [mine, other] = [await registerMachine(user, {}, token), await registerMachine(user)];
    const [forMine, forOther, forAll] = [await insertBot(user), await insertBot(user), await insertBot(user)];
    const a = await created(user, forMine.id, mine);
    const b = await created(user, forOther.id, other);
    const c = await created(user, forAll.id);
    expect(await codesOf(user.accessToken)).toEqual([c.code, b.code, a.code]);
    expect(await codesOf(user.accessToken, other)).toEqual([c.code, b.code]);
    expect(await codesOf(token)).toEqual([c.code, a.code]);
    // What the token is bound to is known better than what is said.
    expect(await codesOf(token, other)).toEqual([c.code, a.code]);
    expect(await codesOf((await signUpUser()).accessToken)).toEqual([]);
  });

  it("streams and sockets hear of it at once: the machine's own when it is for that machine, all of them when it is for any", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const [mine, other] = [await registerMachine(user), await registerMachine(user)];
    const bot = await insertBot(user);
    const own = await StreamClient.open(`${EVENTS}?instance_id=${mine}`, user.accessToken);
    const neighbour = await StreamClient.open(`${EVENTS}?instance_id=${other}`, user.accessToken);
    const account = await StreamClient.open(EVENTS, user.accessToken);
    const theirs = await StreamClient.open(EVENTS, stranger.accessToken);
    const daemon = await SocketClient.open(mine, user.accessToken);
    await daemon.until("hello");

    const targeted = await created(user, bot.id, mine);
    const event = { type: "pair", pair_code: targeted.code, bot_name: "Rocky", bot_user_id: bot.matrixId, target_instance_id: mine };
    expect(await own.next()).toMatchObject({ event: null, data: event });
    expect(await daemon.until("event")).toMatchObject({ data: event });
    const open = await created(user, bot.id);
    for (const stream of [own, neighbour, account]) expect((await stream.next())?.data).toEqual({ ...event, pair_code: open.code, target_instance_id: null });
    expect(await daemon.until("event")).toMatchObject({ data: { pair_code: open.code } });
    const noise = await created(stranger, (await insertBot(stranger)).id);
    expect(await theirs.next()).toMatchObject({ data: { pair_code: noise.code } });
    for (const stream of [own, neighbour, account, theirs]) await stream.close();
    daemon.close();
  });

  it("the account's stream hears it once, targeted or not, when there is only one machine", async () => {
    const user = await signUpUser();
    const account = await StreamClient.open(EVENTS, user.accessToken);
    const early = await created(user, (await insertBot(user)).id);
    expect(await account.next()).toMatchObject({ data: { pair_code: early.code } });
    const machine = await registerMachine(user);
    const bot = await insertBot(user);
    for (const target of [machine, undefined, machine]) {
      const { code } = await created(user, bot.id, target);
      expect(await account.next()).toMatchObject({ data: { pair_code: code } });
    }
    await account.close();
  });

  it("a stream that opens later begins with the codes that wait, without ids, and replays none from a log", async () => {
    const user = await signUpUser();
    const [mine, other] = [await registerMachine(user), await registerMachine(user)];
    const [first, second, third] = [await insertBot(user), await insertBot(user), await insertBot(user)];
    await created(user, first.id);
    const a = await created(user, first.id, mine);
    const b = await created(user, second.id, other);
    const c = await created(user, third.id);
    const opened = async (path: string, headers: Record<string, string> = {}) => {
      const stream = await StreamClient.open(path, user.accessToken, headers);
      const { id: commandId } = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: mine, command_type: "update_cli" } });
      const seen: unknown[] = [];
      for (let event = await stream.next(); event && event.data["id"] !== commandId; event = await stream.next()) {
        if (event.data["type"] !== "pair") continue;
        expect([event.id, event.event]).toEqual([null, null]);
        seen.push(event.data["pair_code"]);
      }
      await stream.close();
      return seen;
    };
    expect(await opened(`${EVENTS}?instance_id=${mine}`)).toEqual([c.code, a.code]);
    expect(await opened(`${EVENTS}?instance_id=${mine}`, { "last-event-id": "0" })).toEqual([c.code, a.code]);
    const account = await StreamClient.open(EVENTS, user.accessToken);
    expect(await account.next()).toMatchObject({ id: null, data: { type: "pair", pair_code: c.code } });
    const fresh = await created(user, first.id);
    expect(await account.next()).toMatchObject({ data: { pair_code: fresh.code } });
    expect(account.raw).not.toContain(b.code);
    await account.close();
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", user.accessToken);
    await dashboard.next();
    expect(dashboard.raw).not.toContain("BCK-");
    await dashboard.close();
  });

  it("nobody once it is over: a late announcement says nothing", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    const over = await created(user, bot.id);
    const { id } = await only(bot.id);
    const open = await created(user, bot.id);
    const account = await StreamClient.open(EVENTS, user.accessToken);
    await announcePairing(systemContext(), { pairingId: id }, "eff");
    await announcePairing(systemContext(), { pairingId: crypto.randomUUID() }, "eff");
    const last = await created(user, (await insertBot(user)).id);
    expect([(await account.next())?.data["pair_code"], (await account.next())?.data["pair_code"]]).toEqual([open.code, last.code]);
    expect(account.raw).not.toContain(over.code);
    await account.close();
  });
});

describe("redeeming", () => {
  it("says 503 without a homeserver, whatever the code, and spends nothing", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    const { code } = await created(user, bot.id, await registerMachine(user));
    for (const tried of [code, "BCK-AAAA-AAAA", ""]) expect(await api("POST", "/api/v1/pairing/redeem", { body: { code: tried } })).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await codesOf(user.accessToken)).toEqual([code]);
  });

  it("is throttled by address", async () => {
    const headers = { "cf-connecting-ip": "10.99.98.97" };
    const statuses = new Set<number>();
    for (let i = 0; i < 70; i++) statuses.add((await api("POST", "/api/v1/pairing/redeem", { body: { code: "BCK-AAAA-AAAA" }, headers })).status);
    expect([...statuses]).toEqual([503, 429]);
  });
});

describe("claiming", () => {
  it("is answered 204 in any state, and noted once, when the code was redeemed", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const machine = await registerMachine(user);
    const bot = await insertBot(user);
    const { code } = await created(user, bot.id);
    expect((await claim(token, code)).status).toBe(204);
    const { id } = await only(bot.id);
    expect((await only(bot.id)).claimed_at).toBeNull();
    await markRedeemed(bot.id, id, machine);
    for (const typed of [code, code.toLowerCase(), code]) expect((await claim(token, typed)).status).toBe(204);
    const row = await only(bot.id);
    expect(row.claimed_at).toEqual(expect.any(Number));
    expect((await actionsOf(id)).map(({ action }) => action)).toEqual(["pairing.create", "pairing.claim"]);
    await bindings.DB.prepare("UPDATE pairings SET status = 'closed' WHERE id = ?").bind(id).run();
    expect((await claim(token, code)).status).toBe(204);
    expect((await only(bot.id)).claimed_at).toBe(row.claimed_at);
  });

  it("is 404 for a stranger as for a code that never was", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const { code } = await created(user, (await insertBot(user)).id);
    const theirs = await claim(stranger.accessToken, code);
    const nobodys = await claim(stranger.accessToken, "BCK-AAAA-AAAA");
    expect([theirs.status, nobodys.status]).toEqual([404, 404]);
    expect(theirs.body["detail"]).toBe(nobodys.body["detail"]);
  });
});

describe("repairing", () => {
  it("is refused with the phase for what is not broken, and 404 for a stranger", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const machine = await registerMachine(user);
    const bot = await insertBot(user);
    await created(user, bot.id);
    const { id } = await only(bot.id);
    expect(await repair(user.accessToken, id)).toMatchObject({ status: 409, body: { code: "pairing_not_broken", phase: "pending" } });
    await bindings.DB.prepare("UPDATE pairings SET expires_at = 1 WHERE id = ?").bind(id).run();
    expect(await repair(user.accessToken, id)).toMatchObject({ status: 409, body: { phase: "expired" } });
    await markRedeemed(bot.id, id, machine);
    expect(await repair(user.accessToken, id)).toMatchObject({ status: 409, body: { phase: "redeemed" } });
    await bindings.DB.prepare("UPDATE pairings SET status = 'closed', close_reason = 'bot_deleted' WHERE id = ?").bind(id).run();
    expect(await repair(user.accessToken, id)).toMatchObject({ status: 409, body: { phase: "closed" } });
    const theirs = await repair(stranger.accessToken, id);
    const nobodys = await repair(stranger.accessToken, crypto.randomUUID());
    expect([theirs.status, theirs.body["detail"]]).toEqual([404, nobodys.body["detail"]]);
    expect((await actionsOf(id)).map(({ action }) => action)).toEqual(["pairing.create"]);
  });

  it("queues a bot_refresh for a bot that was never heard", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const bot = await insertBot(user);
    const { code } = await created(user, bot.id);
    const { id } = await only(bot.id);
    await markRedeemed(bot.id, id, machine);
    // The claim is what tells the machine's object.
    expect((await claim(user.accessToken, code)).status).toBe(204);
    await vi.waitFor(async () => expect((await repair(user.accessToken, id)).body["phase"]).toBe("connecting"));
    const accessToken = user.accessToken;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6 * 60_000 });
    try {
      const answer = await expectStatus<{ ok: boolean; message: string; command_id: string }>(200, "POST", `/api/v1/pairing/sessions/${id}/repair`, { token: accessToken });
      expect(answer).toEqual({ ok: true, message: expect.any(String), command_id: expect.stringMatching(/^cmd_/) });
      expect(await repair(accessToken, id)).toMatchObject({ status: 409, body: { phase: "repairing" } });
      const commands = await expectStatus<{ id: string; commandType: string }[]>(200, "GET", `/api/v1/dashboard/commands/${machine}`, { token: accessToken });
      expect(commands).toMatchObject([{ id: answer.command_id, commandType: "bot_refresh", status: "pending" }]);
      expect((await actionsOf(id)).map(({ action }) => action)).toEqual(["pairing.create", "pairing.claim", "pairing.repair"]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a bot that comes back", () => {
  it("gets a code for the machine that had it, or for any when that one is gone; none when it is paired or parked", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const bot = await insertBot(user);
    await created(user, bot.id);
    const { id } = await only(bot.id);
    await markRedeemed(bot.id, id, machine);
    const renew = () => renewPairing(systemContext(), { botId: bot.id }, "eff");
    await renew();
    expect(await pending(user.accessToken)).toEqual([]);
    await bindings.DB.prepare("UPDATE bots SET instance_id = NULL, pairing_id = NULL, plan_disabled_at = 1 WHERE id = ?").bind(bot.id).run();
    await bindings.DB.prepare("UPDATE pairings SET status = 'closed', close_reason = 'plan_disabled', closed_at = 1 WHERE id = ?").bind(id).run();
    await renew();
    expect(await pending(user.accessToken)).toEqual([]);
    await bindings.DB.prepare("UPDATE bots SET plan_disabled_at = NULL WHERE id = ?").bind(bot.id).run();
    await renew();
    const stream = await StreamClient.open(`${EVENTS}?instance_id=${machine}`, user.accessToken);
    await renew();
    const [pair] = await pending(user.accessToken);
    expect(pair).toMatchObject({ bot_id: bot.id, target_instance_id: machine });
    await stream.until("pair", (data) => data["pair_code"] === pair?.pair_code);
    await stream.close();
    expect((await rowsOf(bot.id)).map((row) => row.close_reason)).toEqual(["plan_disabled", "superseded", null]);
    const renewed = (await rowsOf(bot.id)).at(-1);
    expect((await actionsOf(renewed?.id ?? ""))[0]).toMatchObject({ action: "pairing.renew", tenant_id: user.userId });
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${machine}`, { token: user.accessToken });
    await renew();
    expect(await pending(user.accessToken)).toMatchObject([{ bot_id: bot.id, target_instance_id: null }]);
  });
});

describe("codes that are over", () => {
  it("are forgotten after a month, save the one a bot hangs on and the word which machine had it last", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const old = Date.now() - 31 * DAY_MS;
    const [paired, unpaired, waiting] = [await insertBot(user), await insertBot(user), await insertBot(user)];
    const insert = (botId: string, id: string, columns: Record<string, string | number>) => {
      const row: Record<string, string | number> = { id, tenant_id: user.userId, bot_id: botId, code_hash: uniqueName("hash"), sealed_code: "x", expires_at: old, created_at: old, updated_at: old, ...columns };
      return bindings.DB.prepare(`INSERT INTO pairings (${Object.keys(row).join(", ")}) VALUES (${Object.keys(row).map(() => "?").join(", ")})`).bind(...Object.values(row)).run();
    };
    const ids = Object.fromEntries(["current", "earlier", "last", "superseded", "expired", "recent", "fresh"].map((name) => [name, crypto.randomUUID()] as const)) as Record<string, string>;
    const id = (name: string): string => ids[name] ?? "";
    const redeemed = (at: number) => ({ instance_id: machine, redeemed_at: at });
    await insert(paired.id, id("current"), { status: "closed", closed_at: old, close_reason: "machine_deleted", ...redeemed(old) });
    await bindings.DB.prepare("UPDATE bots SET pairing_id = ? WHERE id = ?").bind(id("current"), paired.id).run();
    await insert(unpaired.id, id("earlier"), { status: "closed", closed_at: old, close_reason: "repaired_elsewhere", ...redeemed(old - 2) });
    await insert(unpaired.id, id("last"), { status: "closed", closed_at: old, close_reason: "machine_deleted", ...redeemed(old - 1) });
    await insert(unpaired.id, id("superseded"), { status: "closed", closed_at: old, close_reason: "superseded" });
    await insert(waiting.id, id("expired"), { status: "pending" });
    await insert(waiting.id, id("recent"), { status: "closed", closed_at: Date.now() - 29 * DAY_MS, close_reason: "superseded" });
    await insert(waiting.id, id("fresh"), { status: "pending", expires_at: Date.now() + 1_000 });

    await handleScheduled(createScheduledController({ cron: "17 * * * *", scheduledTime: new Date() }), bindings, { waitUntil: () => undefined });
    const left = new Set([...(await rowsOf(paired.id)), ...(await rowsOf(unpaired.id)), ...(await rowsOf(waiting.id))].map((row) => row.id));
    expect(Object.entries(ids).filter(([, rowId]) => left.has(rowId)).map(([name]) => name)).toEqual(["current", "last", "recent", "fresh"]);
    await bindings.DB.prepare("UPDATE bots SET status = 'deleted' WHERE id = ?").bind(unpaired.id).run();
    await handleScheduled(createScheduledController({ cron: "17 * * * *", scheduledTime: new Date(Date.now() + 3_600_000) }), bindings, { waitUntil: () => undefined });
    expect(await rowsOf(unpaired.id)).toEqual([]);
  });
});
