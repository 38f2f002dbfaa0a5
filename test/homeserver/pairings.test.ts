import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parkBot, SAGA_LEASE_MS, settleBot } from "../../src/fleet/bots";
import { findBotRow } from "../../src/fleet/bots/bots.store";
import { redeemPairing } from "../../src/fleet/pairings/redeem-pairing";
import { api, BASE_URL, expectStatus, signUpUser, uniqueIp, uniqueName, type ApiAnswer, type TestUser } from "../support/client";
import { faults, matrix } from "../support/homeserver/client";
import type { FaultKind } from "../support/homeserver/faults.mjs";
import { bindings, contextAt, devicesOf, settled, whoIs } from "../support/homeserver/view";
import { registerMachine } from "../support/machines";
import { fetchUnder } from "../support/promises";

interface Redeemed {
  readonly homeserver: string;
  readonly access_token: string;
  readonly user_id: string;
  readonly device_id: string;
  readonly code?: string;
  readonly detail?: string;
}
interface Bot {
  readonly id: string;
  readonly username: string;
  readonly bot_user_id: string;
}
interface Row {
  readonly id: string;
  readonly status: string;
  readonly instance_id: string | null;
  readonly close_reason: string | null;
}

const PAST_EVERY_LEASE_MS = SAGA_LEASE_MS + 1_000;
/** What survives a shell in double quotes. */
const SHELL_SAFE = /^[A-Za-z0-9@:/._-]+$/;
const FAULT_KINDS: readonly FaultKind[] = ["refuse", "lose_answer", "status_500", "status_500_after", "status_429", "hang", "garbage"];

const newBot = (user: TestUser) => expectStatus<Bot>(201, "POST", "/api/v1/openclaw/bots", { token: user.accessToken, body: { username: uniqueName("p").slice(0, 18), name: "Rocky" } });
const newCode = async (user: TestUser, bot: Bot, target: string | null = null): Promise<string> =>
  (await expectStatus<{ code: string }>(200, "POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: bot.id, target_instance_id: target } })).code;
const redeem = (code: string, instanceId?: string) => api<Redeemed>("POST", "/api/v1/pairing/redeem", { body: { code, ...(instanceId === undefined ? {} : { instance_id: instanceId }) } });
async function redeemed(code: string, instanceId?: string): Promise<Redeemed> {
  const { status, body } = await redeem(code, instanceId);
  expect(status, JSON.stringify({ ...body, access_token: undefined })).toBe(200);
  return body;
}
const pairingsOf = async (bot: Bot) => (await bindings.DB.prepare("SELECT * FROM pairings WHERE bot_id = ? ORDER BY created_at, rowid").bind(bot.id).all<Row & Record<string, unknown>>()).results;
const rowOf = (bot: Bot) => findBotRow(contextAt(0), bot.id);
const botsOn = async (user: TestUser, instanceId: string) =>
  (await expectStatus<{ bots: { botId: string }[] }>(200, "GET", `/api/v1/dashboard/machines/${instanceId}`, { token: user.accessToken })).bots.map(({ botId }) => botId);

/** Lets the reconciler do what is due once every lease is over. */
async function reconcile(bot: Bot): Promise<void> {
  await settleBot(contextAt(PAST_EVERY_LEASE_MS), bot.id);
  await settled();
}

/** Row and homeserver agree: one device, and the token in our hands works on it. */
async function expectInStep(bot: Bot, credentials: Redeemed): Promise<void> {
  const row = await rowOf(bot);
  expect(row?.settleAt).toBeNull();
  expect(await devicesOf(bot.bot_user_id)).toEqual([row?.deviceId]);
  expect(credentials.device_id).toBe(row?.deviceId);
  expect(await whoIs(credentials.access_token)).toBe(bot.bot_user_id);
}

beforeEach(() => faults.clear());
afterEach(() => faults.clear());

describe("redeeming a code", () => {
  it("gives the bot's credentials to its machine, once", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const bot = await newBot(user);
    const code = await newCode(user, bot);
    const answer = await redeemed(`  ${code.toLowerCase()} `, machine);
    const row = await rowOf(bot);
    expect(answer).toEqual({
      homeserver: bindings.MATRIX_BASE_URL,
      access_token: expect.any(String),
      user_id: bot.bot_user_id,
      bot_name: "Rocky",
      device_id: row?.deviceId,
      bot_id: bot.id,
      runtime: "openclaw",
      owner_matrix_user_id: user.matrixId,
    });
    for (const value of [answer.homeserver, answer.access_token, answer.user_id, answer.device_id]) expect(value).toMatch(SHELL_SAFE);
    await expectInStep(bot, answer);
    const [pairing] = await pairingsOf(bot);
    expect(pairing).toMatchObject({ status: "redeemed", instance_id: machine, redeeming_until: null, redeemed_at: expect.any(Number) });
    expect(row).toMatchObject({ instanceId: machine, pairingId: pairing?.id });
    expect(await expectStatus(200, "GET", `/api/v1/bots/${bot.id}`, { token: user.accessToken })).toMatchObject({ paired_instance_id: machine, pairing_session_id: pairing?.id });
    expect(await expectStatus(200, "GET", "/api/v1/openclaw/pending-pairs", { token: user.accessToken })).toEqual([]);
    await expect.poll(() => botsOn(user, machine)).toEqual([bot.id]);

    const { results } = await bindings.DB.prepare("SELECT * FROM audit_log WHERE subject_type = 'pairing' AND subject_id = ? ORDER BY id").bind(pairing?.id).all<Record<string, unknown>>();
    expect(results.map((entry) => [entry["action"], entry["tenant_id"], entry["actor_type"]])).toEqual([
      ["pairing.create", user.userId, "user"],
      ["pairing.redeem", user.userId, "anonymous"],
    ]);
    const written = JSON.stringify([results, pairing, row]);
    for (const secret of [code, answer.access_token]) expect(written).not.toContain(secret);
    expect(await redeem(code, machine)).toMatchObject({ status: 400, body: { code: "pairing_code_invalid" } });
  });

  it("names the owner to a bot on Hermes only", async () => {
    const user = await signUpUser();
    await registerMachine(user);
    const bot = await newBot(user);
    await bindings.DB.prepare("UPDATE bots SET runtime = 'hermes' WHERE id = ?").bind(bot.id).run();
    expect(await redeemed(await newCode(user, bot))).toMatchObject({ runtime: "hermes", owner_matrix_user_id: user.matrixId });
  });

  it("says the same to a wrong, used, expired, superseded and closed one", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const [used, expired, superseded, deleted] = [await newBot(user), await newBot(user), await newBot(user), await newBot(user)];
    const codes = ["BCK-AAAA-AAAA", "", "x".repeat(64)];
    for (const bot of [used, expired, superseded, deleted]) codes.push(await newCode(user, bot));
    await redeemed(codes[3] ?? "");
    await bindings.DB.prepare("UPDATE pairings SET expires_at = ? WHERE bot_id = ?").bind(Date.now(), expired.id).run();
    await newCode(user, superseded);
    await expectStatus(200, "DELETE", `/api/v1/openclaw/bots/${deleted.username}`, { token: user.accessToken });
    const answers: ApiAnswer<Redeemed>[] = [];
    for (const code of codes) answers.push(await redeem(code, machine));
    for (const answer of answers) expect(answer).toMatchObject({ status: 400, body: { code: "pairing_code_invalid" } });
    expect(new Set(answers.map((answer) => answer.body.detail)).size).toBe(1);
  });

  it("is for one of twenty who try at once, also when the bot moves", async () => {
    const user = await signUpUser();
    const [home, away] = [await registerMachine(user), await registerMachine(user)];
    const bot = await newBot(user);
    for (const machine of [home, away]) {
      const code = await newCode(user, bot, machine);
      const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(code)));
      const won = answers.filter((answer) => answer.status === 200);
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 400)]);
      expect(new Set(answers.filter((answer) => answer.status !== 200).map((answer) => answer.body.code))).toEqual(new Set(["pairing_code_invalid"]));
      const credentials = won[0]?.body;
      if (!credentials) throw new Error("nobody redeemed the code");
      await expectInStep(bot, credentials);
      expect((await rowOf(bot))?.instanceId).toBe(machine);
    }
    const logins = (await faults.calls()).calls.filter((call) => call.path.endsWith("/login"));
    // One when the bot was made, one when it moved.
    expect(logins).toHaveLength(2);
  });
});

describe("the machine of a code", () => {
  it("is the one that it was made for, or the owner's only one, or must be named", async () => {
    const user = await signUpUser();
    const bot = await newBot(user);
    const lonely = await newCode(user, bot);
    expect(await redeem(lonely)).toMatchObject({ status: 400, body: { code: "instance_required" } });
    const first = await registerMachine(user);
    await redeemed(lonely);
    expect((await rowOf(bot))?.instanceId).toBe(first);
    const second = await registerMachine(user);
    const open = await newCode(user, bot);
    expect(await redeem(open)).toMatchObject({ status: 400, body: { code: "instance_required", detail: expect.any(String) } });
    await redeemed(open, second);
    await redeemed(await newCode(user, bot, first));
    expect((await rowOf(bot))?.instanceId).toBe(first);
    await bindings.DB.prepare("UPDATE instances SET archived_at = 1 WHERE instance_id = ?").bind(second).run();
    await redeemed(await newCode(user, bot));
    expect((await rowOf(bot))?.instanceId).toBe(first);
  });

  it("is never another's: nothing is spent by asking", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const [mine, other, archived] = [await registerMachine(user), await registerMachine(user), await registerMachine(user)];
    const theirs = await registerMachine(stranger);
    await bindings.DB.prepare("UPDATE instances SET archived_at = 1 WHERE instance_id = ?").bind(archived).run();
    const bot = await newBot(user);
    const open = await newCode(user, bot);
    for (const machine of [theirs, "nobody", "", archived]) expect(await redeem(open, machine)).toMatchObject({ status: 403, body: { code: "pairing_target_mismatch" } });
    const targeted = await newCode(user, bot, mine);
    for (const machine of [other, theirs]) expect(await redeem(targeted, machine)).toMatchObject({ status: 403, body: { code: "pairing_target_mismatch" } });
    await redeemed(targeted, mine);
  });

  it("must be named where the operator is strict", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const code = await newCode(user, await newBot(user), machine);
    const strict = { ...bindings, STRICT_REDEEM: "1" };
    const ask = (body: unknown) =>
      fetchUnder(new Request(`${BASE_URL}/api/v1/pairing/redeem`, { method: "POST", headers: { "content-type": "application/json", "cf-connecting-ip": uniqueIp() }, body: JSON.stringify(body) }), strict, { waitUntil: () => undefined });
    const refused = await ask({ code });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: "instance_required" }]);
    expect((await ask({ code, instance_id: machine })).status).toBe(200);
  });
});

describe("a bot that is paired again", () => {
  it("on its machine keeps its device, even when its token had died", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const bot = await newBot(user);
    const first = await redeemed(await newCode(user, bot));
    const second = await redeemed(await newCode(user, bot));
    expect([second.device_id, second.access_token]).toEqual([first.device_id, first.access_token]);
    expect((await pairingsOf(bot)).map((row) => [row.status, row.close_reason, row.instance_id])).toEqual([["closed", "superseded", machine], ["redeemed", null, machine]]);
    await matrix("POST", "/_matrix/client/v3/logout", { token: first.access_token });
    expect(await whoIs(first.access_token)).toBeNull();
    const third = await redeemed(await newCode(user, bot));
    expect(third.device_id).toBe(first.device_id);
    await expectInStep(bot, third);
  });

  it("elsewhere is taken from the first machine: another device, the old token dead, both told", async () => {
    const user = await signUpUser();
    const [from, to] = [await registerMachine(user), await registerMachine(user)];
    const bot = await newBot(user);
    const before = await redeemed(await newCode(user, bot), from);
    await expect.poll(() => botsOn(user, from)).toEqual([bot.id]);
    const after = await redeemed(await newCode(user, bot), to);
    expect(after.device_id).not.toBe(before.device_id);
    expect(await whoIs(before.access_token)).toBeNull();
    await expectInStep(bot, after);
    expect((await pairingsOf(bot)).map((row) => [row.status, row.close_reason, row.instance_id])).toEqual([["closed", "repaired_elsewhere", from], ["redeemed", null, to]]);
    await expect.poll(async () => [await botsOn(user, from), await botsOn(user, to)]).toEqual([[], [bot.id]]);
  });

  it("elsewhere, after its machine was deleted, is taken from that one too", async () => {
    const user = await signUpUser();
    const [from, to] = [await registerMachine(user), await registerMachine(user)];
    const bot = await newBot(user);
    const before = await redeemed(await newCode(user, bot), from);
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${from}`, { token: user.accessToken });
    expect(await rowOf(bot)).toMatchObject({ instanceId: null, pairingId: null });
    const after = await redeemed(await newCode(user, bot), to);
    expect(await whoIs(before.access_token)).toBeNull();
    await expectInStep(bot, after);
  });

  it("elsewhere is answered though the old device cannot be deleted now; the reconciler does it", async () => {
    const user = await signUpUser();
    const [from, to] = [await registerMachine(user), await registerMachine(user)];
    const bot = await newBot(user);
    const before = await redeemed(await newCode(user, bot), from);
    await faults.arm({ kind: "status_500", match: "delete_devices|devices", times: 5 });
    const after = await redeemed(await newCode(user, bot), to);
    await faults.clear();
    expect(await whoIs(after.access_token)).toBe(bot.bot_user_id);
    await reconcile(bot);
    expect(await whoIs(before.access_token)).toBeNull();
    await expectInStep(bot, after);
  });

  it("is refused while its owner's plan does not carry it", async () => {
    const user = await signUpUser();
    await registerMachine(user);
    const bot = await newBot(user);
    const code = await newCode(user, bot);
    await parkBot(contextAt(0), user.userId, bot.id);
    expect(await redeem(code)).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
  });
});

describe("a homeserver that fails", () => {
  it.each(FAULT_KINDS)("%s: the code stays good, and the next try is right", async (kind) => {
    const user = await signUpUser();
    const [from, to] = [await registerMachine(user), await registerMachine(user)];
    const bot = await newBot(user);
    const code = await newCode(user, bot);
    await faults.arm({ kind, match: "whoami" });
    expect([502, 503]).toContain((await redeem(code, from)).status);
    const before = await redeemed(code, from);
    await expectInStep(bot, before);

    const moving = await newCode(user, bot, to);
    await faults.arm({ kind, match: /POST .*\/login$/ });
    expect([502, 503]).toContain((await redeem(moving)).status);
    expect(await expectStatus<unknown[]>(200, "GET", "/api/v1/openclaw/pending-pairs", { token: user.accessToken })).toHaveLength(1);
    expect(await whoIs(before.access_token)).toBe(bot.bot_user_id);
    expect(await rowOf(bot)).toMatchObject({ instanceId: from, deviceId: before.device_id });
    const after = await redeemed(moving);
    await expectInStep(bot, after);
    expect(await whoIs(before.access_token)).toBeNull();
  });

  it("and a process that dies in between keep the code no longer than the lease", async () => {
    const user = await signUpUser();
    await registerMachine(user);
    const bot = await newBot(user);
    const code = await newCode(user, bot);
    await bindings.DB.prepare("UPDATE pairings SET redeeming_until = ?, version = version + 1 WHERE bot_id = ?").bind(Date.now() + 30_000, bot.id).run();
    expect(await redeem(code)).toMatchObject({ status: 400, body: { code: "pairing_code_invalid" } });
    expect(await redeemPairing(contextAt(30_001), { code })).toMatchObject({ bot_id: bot.id });
  });

  it("a newer code, or the bot's end, wins over a redeeming that is under way", async () => {
    const user = await signUpUser();
    await registerMachine(user);
    const [replaced, deleted] = [await newBot(user), await newBot(user)];
    for (const [bot, end] of [[replaced, () => newCode(user, replaced)], [deleted, () => expectStatus(200, "DELETE", `/api/v1/openclaw/bots/${deleted.username}`, { token: user.accessToken })]] as const) {
      const code = await newCode(user, bot);
      const ctx = contextAt(0);
      const matrixService = ctx.services.matrix;
      if (!matrixService) throw new Error("these tests need a homeserver");
      const slow = { ...ctx, services: { ...ctx.services, matrix: { ...matrixService, whoami: async (token: string) => (await end(), matrixService.whoami(token)) } } };
      // A deleted bot's account may be down before we come back to it.
      await expect(redeemPairing(slow, { code })).rejects.toMatchObject({ code: expect.stringMatching(/^(PAIRING_CODE_INVALID|MATRIX_UNAVAILABLE)$/) });
      expect((await rowOf(bot))?.instanceId).toBeNull();
      expect(await redeem(code)).toMatchObject({ status: 400, body: { code: "pairing_code_invalid" } });
    }
  });
});
