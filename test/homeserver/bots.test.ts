import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBotByUsername, type Bot } from "../../src/fleet/bots/bots.store";
import { unsealBotToken } from "../../src/fleet/bots/credentials";
import { enqueueBotsToSettle, parkBot, SAGA_LEASE_MS, settleBot, unparkBot } from "../../src/fleet/bots";
import type { Job } from "../../src/kernel/ports/services";
import { createMatrixAccount, enqueueMissingAccounts } from "../../src/fleet/matrix-accounts";
import { api, codeMailedTo, expectStatus, logIn as logInToSett, mintToken, signUpUnverified, signUpUser, uniqueName, type TestUser } from "../support/client";
import { faults } from "../support/homeserver/client";
import type { FaultKind } from "../support/homeserver/faults.mjs";
import { newPerson, registerBot } from "../support/homeserver/people";
import { liftCaps, setPlan } from "../support/plans";
import { accountOf, bindings, contextAt, devicesOf, settled, whoIs } from "../support/homeserver/view";

interface BotBody {
  readonly id: string;
  readonly bot_user_id: string;
  readonly bot_username: string;
  readonly access_token: string;
}

const PAST_EVERY_LEASE_MS = SAGA_LEASE_MS + 1_000;
const newName = () => uniqueName("b").slice(0, 18);
const create = (user: TestUser, username: string) => api<BotBody>("POST", "/api/v1/bots", { token: user.accessToken, body: { bot_name: "Rocky", bot_username: username } });
const created = async (user: TestUser, username = newName()): Promise<BotBody> => {
  const { status, body } = await create(user, username);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
};

/** Lifts the cap, so that a test may make as many bots as it needs. */
async function signUpWithoutCap(): Promise<TestUser> {
  const user = await signUpUser();
  await liftCaps(user);
  return user;
}

/** One tick of the reconciler once every lease is over: finds, and does what it found. */
async function tick(later = PAST_EVERY_LEASE_MS): Promise<void> {
  const jobs: Job[] = [];
  const ctx = contextAt(later);
  await enqueueBotsToSettle({ ...ctx, services: { ...ctx.services, jobs: { send: async (job) => void jobs.push(job) } } });
  for (const job of jobs) await settleBot(contextAt(later), String(job.payload));
  await settled();
}

/** Whether row and homeserver agree on a bot; answers the row. */
async function expectInStep(username: string): Promise<Bot | null> {
  const ctx = contextAt(0);
  const row = await findBotByUsername(ctx, username);
  const account = await accountOf(`@${username}_bot:localhost`);
  if (row === null || row.status === "deleted") expect(account?.deactivated ?? true, `${username} has no bot, so no account may be up`).toBe(true);
  else {
    expect(row.status).toBe("active");
    expect(account?.deactivated).toBe(false);
    expect(await devicesOf(row.matrixId)).toEqual([row.deviceId]);
    expect(await whoIs((await unsealBotToken(ctx, row)) ?? "")).toBe(row.matrixId);
  }
  expect(row?.settleAt ?? null).toBeNull();
  return row;
}

const FAULT_KINDS: readonly FaultKind[] = ["refuse", "lose_answer", "status_500", "status_500_after", "status_429", "hang", "garbage"];

let user: TestUser;
beforeEach(() => faults.clear());
beforeAll(async () => {
  user = await signUpWithoutCap();
});

describe("a bot's life on the homeserver", () => {
  it("is created, renamed, rotated, refreshed, deleted, reclaimed", async () => {
    const username = newName();
    const other = await signUpUser();
    expect(await api("GET", `/api/v1/bots/username/check?candidate=${username}`)).toMatchObject({ status: 200, body: { available: true, reason: "ok", bot_user_id: `@${username}_bot:localhost` } });
    const bot = await created(user, username);
    expect(bot).toMatchObject({ bot_user_id: `@${username}_bot:localhost`, bot_username: `${username}_bot`, bot_name: "Rocky", active: true, openclaw_connected: false, runtime: "openclaw", owner_user_id: user.userId });
    expect(await whoIs(bot.access_token)).toBe(bot.bot_user_id);
    expect((await accountOf(bot.bot_user_id))?.displayName).toBe("Rocky");
    expect(await create(user, username)).toMatchObject({ status: 409, body: { code: "bot_name_taken" } });
    expect(await create(other, `${username}_bot`)).toMatchObject({ status: 409, body: { code: "bot_name_taken" } });
    expect(await api("GET", `/api/v1/bots/username/check?candidate=${username}`)).toMatchObject({ body: { available: false, reason: "taken" } });
    for (const path of [`/api/v1/bots/${bot.id}`, `/api/v1/bots/${bot.id}/rooms`]) expect((await api("GET", path, { token: other.accessToken })).status).toBe(404);

    expect(await expectStatus(200, "PUT", `/api/v1/bots/${bot.id}`, { token: user.accessToken, body: { bot_name: "Rocco" } })).toMatchObject({ bot_name: "Rocco" });
    expect((await accountOf(bot.bot_user_id))?.displayName).toBe("Rocco");

    const refreshed = await expectStatus<{ access_token: string; device_id: string; homeserver: string; user_id: string }>(200, "POST", `/api/v1/bots/${bot.id}/refresh-matrix-token`, { token: user.accessToken });
    expect(refreshed).toMatchObject({ user_id: bot.bot_user_id, homeserver: bindings.MATRIX_BASE_URL });
    expect([await whoIs(bot.access_token), await whoIs(refreshed.access_token)]).toEqual([bot.bot_user_id, bot.bot_user_id]);
    expect(await api("POST", `/api/v1/bots/${bot.id}/refresh-matrix-token`, { token: user.accessToken, body: { device_id: "BCSOMEOTHER1" } })).toMatchObject({ status: 409, body: { code: "device_mismatch" } });

    const rotated = await expectStatus<BotBody>(200, "POST", `/api/v1/bots/${bot.id}/token`, { token: user.accessToken });
    expect([await whoIs(bot.access_token), await whoIs(refreshed.access_token), await whoIs(rotated.access_token)]).toEqual([null, null, bot.bot_user_id]);
    await expectInStep(username);

    expect(await expectStatus(200, "DELETE", `/api/v1/bots/${bot.id}`, { token: user.accessToken })).toMatchObject({ success: true });
    expect((await api("GET", `/api/v1/bots/${bot.id}`, { token: user.accessToken })).status).toBe(404);
    expect((await accountOf(bot.bot_user_id))?.deactivated).toBe(true);
    expect(await whoIs(rotated.access_token)).toBeNull();
    expect(await create(other, username)).toMatchObject({ status: 409, body: { code: "bot_name_taken" } });
    await expectInStep(username);

    const again = await created(user, username);
    expect(again.id).not.toBe(bot.id);
    expect(await whoIs(again.access_token)).toBe(bot.bot_user_id);
    await expectInStep(username);
    const { results } = await bindings.DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'bot' AND subject_id IN (?, ?) ORDER BY id").bind(bot.id, again.id).all<{ action: string }>();
    expect(results.map((row) => row.action)).toEqual(["bot.create", "bot.update", "bot.refresh_token", "bot.rotate_token", "bot.delete", "bot.create"]);
  });

  it("takes no name that somebody else has on the homeserver", async () => {
    const username = newName();
    expect((await registerBot(`${username}_bot`)).status).toBe(200);
    expect(await api("GET", `/api/v1/bots/username/check?candidate=${username}`)).toMatchObject({ body: { available: false } });
    expect(await create(user, username)).toMatchObject({ status: 409, body: { code: "bot_name_taken" } });
    await tick();
    expect(await findBotByUsername(contextAt(0), username)).toBeNull();
    // The stranger's account was there before we tried: undoing our try must not end it.
    expect((await accountOf(`@${username}_bot:localhost`))?.deactivated).toBe(false);
  });

  it("makes one of two that are asked for at once, and keeps the cap", async () => {
    const username = newName();
    const answers = await Promise.all([create(user, username), create(user, username), create(user, username)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409]);
    await expectInStep(username);
    const capped = await signUpUser();
    await setPlan(capped, "free");
    const many = await Promise.all(Array.from({ length: 5 }, () => create(capped, newName())));
    expect(many.filter((answer) => answer.status === 201)).toHaveLength(2);
    for (const refused of many.filter((answer) => answer.status !== 201)) expect(["plan_limit", "conflict"]).toContain((refused.body as unknown as { code: string }).code);
    expect(await create(capped, newName())).toMatchObject({ status: 403, body: { code: "plan_limit", feature: "max_bots", limit: 2, current: 2 } });
  });

  it("is parked by its plan and comes back with a fresh device", async () => {
    const username = newName();
    const bot = await created(user, username);
    await parkBot(contextAt(0), user.userId, bot.id);
    await parkBot(contextAt(0), user.userId, bot.id);
    expect(await expectStatus(200, "GET", `/api/v1/bots/${bot.id}`, { token: user.accessToken })).toMatchObject({ disabled_by_plan: true, active: true });
    expect((await accountOf(bot.bot_user_id))?.deactivated).toBe(true);
    for (const path of ["token", "refresh-matrix-token"]) expect(await api("POST", `/api/v1/bots/${bot.id}/${path}`, { token: user.accessToken })).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
    const before = await findBotByUsername(contextAt(0), username);
    await unparkBot(contextAt(0), user.userId, bot.id);
    await settled();
    const after = await expectInStep(username);
    expect(after?.deviceId).not.toBe(before?.deviceId);
    expect(await whoIs(bot.access_token)).toBeNull();
    const { body: pairs } = await api<readonly { bot_user_id: string }[]>("GET", "/api/v1/openclaw/pending-pairs", { token: user.accessToken });
    expect(pairs.map((pair) => pair.bot_user_id)).toContain(bot.bot_user_id);
  });

  it("goes with its owner's account", async () => {
    const leaver = await signUpUser();
    const bot = await created(leaver);
    await expectStatus(200, "POST", "/api/v1/user/delete-account", { token: leaver.accessToken, body: { password: leaver.password } });
    await expect.poll(async () => (await accountOf(bot.bot_user_id))?.deactivated, { timeout: 10_000 }).toBe(true);
    await expect.poll(async () => (await accountOf(leaver.matrixId))?.deactivated, { timeout: 10_000 }).toBe(true);
  });

  it("is listed, created and deleted by the command line", async () => {
    const { token } = await mintToken(user);
    const username = newName();
    expect(await expectStatus(201, "POST", "/api/v1/openclaw/bots", { token, body: { username } })).toMatchObject({ username: `${username}_bot`, name: username, active: true });
    expect(await api("POST", "/api/v1/openclaw/bots", { token, body: { username: "ab" } })).toMatchObject({ status: 422 });
    const list = await expectStatus<{ bots: { username: string }[] }>(200, "GET", "/api/v1/openclaw/bots", { token });
    expect(list.bots.map((bot) => bot.username)).toContain(`${username}_bot`);
    await expectStatus(200, "DELETE", `/api/v1/openclaw/bots/${username}`, { token });
    expect((await api("DELETE", `/api/v1/openclaw/bots/${username}_bot`, { token })).status).toBe(404);
    const provisioned = await expectStatus<{ bot_id: string; status: string }>(201, "POST", "/api/v1/openclaw/provision/bot", { token, body: { bot_name: "Digger", bot_username: newName() } });
    expect(provisioned.status).toBe("provisioning");
  });
});

describe("people's own accounts on the homeserver", () => {
  const matrixLogin = (username: string, password: string) => api<{ access_token: string; user_id: string }>("POST", "/api/v1/auth/matrix-login", { body: { username, password } });

  it("come with the first sign-in and follow the password", async () => {
    const person = await signUpUser();
    const login = await matrixLogin(person.username, person.password);
    expect(login).toMatchObject({ status: 200, body: { user_id: person.matrixId } });
    expect(await matrixLogin(person.username, "not the password")).toMatchObject({ status: 401 });

    const password = "another long password";
    await expectStatus(200, "POST", "/api/v1/user/forgot-password", { body: { email: person.email } });
    const code = await codeMailedTo(person.email, 2);
    await expectStatus(200, "POST", "/api/v1/user/reset-password", { body: { email: person.email, code, new_password: password } });
    expect(await whoIs(login.body.access_token)).toBeNull();
    expect(await matrixLogin(person.username, person.password)).toMatchObject({ status: 401 });
    expect(await matrixLogin(person.username, password)).toMatchObject({ status: 200 });
  });

  it("are made up for at the next sign-in when the homeserver was down, and get the password that it missed", async () => {
    const credentials = await signUpUnverified();
    await expectStatus(200, "POST", "/api/v1/user/signup/verify", { body: { email: credentials.email, code: await codeMailedTo(credentials.email) } });
    // The second call is the one that makes the account: its answer is lost.
    await faults.arm({ kind: "lose_answer", match: "POST /_synapse/admin/v1/register" });
    const person = await logInToSett(credentials);
    await faults.clear();
    expect((await accountOf(person.matrixId))?.deactivated).toBe(false);
    await bindings.DB.prepare("UPDATE users SET matrix_claimed_at = matrix_claimed_at - 600000 WHERE id = ?").bind(person.userId).run();
    await logInToSett(credentials);
    expect(await matrixLogin(person.username, credentials.password)).toMatchObject({ status: 200 });

    await faults.arm({ kind: "refuse", match: "reset_password", times: 10 });
    const password = "another long password";
    await expectStatus(200, "POST", "/api/v1/user/forgot-password", { body: { email: person.email } });
    await expectStatus(200, "POST", "/api/v1/user/reset-password", { body: { email: person.email, code: await codeMailedTo(person.email, 2), new_password: password } });
    await faults.clear();
    expect(await matrixLogin(person.username, password)).toMatchObject({ status: 401 });
    await logInToSett({ ...credentials, password });
    expect(await matrixLogin(person.username, password)).toMatchObject({ status: 200 });
  });

  it("are never somebody else's: a name that a stranger has there stays the stranger's", async () => {
    const stranger = await newPerson();
    const credentials = await signUpUnverified({ username: stranger.localpart });
    await expectStatus(200, "POST", "/api/v1/user/signup/verify", { body: { email: credentials.email, code: await codeMailedTo(credentials.email) } });
    await logInToSett(credentials);
    expect(await matrixLogin(stranger.localpart, credentials.password)).toMatchObject({ status: 401 });
    expect(await whoIs(stranger.token)).toBe(stranger.id);
  });

  it("are made by the hourly sweep for people who do not sign in", async () => {
    const credentials = await signUpUnverified();
    await expectStatus(200, "POST", "/api/v1/user/signup/verify", { body: { email: credentials.email, code: await codeMailedTo(credentials.email) } });
    const jobs: Job[] = [];
    for (let hour = 0; hour < 24; hour++) {
      const ctx = contextAt(hour * 3_600_000);
      await enqueueMissingAccounts({ ...ctx, services: { ...ctx.services, jobs: { send: async (job) => void jobs.push(job) } } });
    }
    for (const job of jobs) await createMatrixAccount(contextAt(0), job.payload);
    const id = `@${credentials.username}:localhost`;
    expect((await accountOf(id))?.deactivated).toBe(false);
    const person = await logInToSett(credentials);
    expect(await matrixLogin(person.username, credentials.password)).toMatchObject({ status: 200 });
  });
});

/** The ways through a saga, each with what makes it ready to begin. */
const SAGAS: readonly { readonly name: string; readonly begin: () => Promise<{ readonly username: string; readonly run: () => Promise<number>; readonly wanted: "there" | "gone" }> }[] = [
  {
    name: "create",
    begin: async () => {
      const username = newName();
      return { username, run: async () => (await create(user, username)).status, wanted: "there" };
    },
  },
  {
    name: "reclaim",
    begin: async () => {
      const username = newName();
      await expectStatus(200, "DELETE", `/api/v1/bots/${(await created(user, username)).id}`, { token: user.accessToken });
      return { username, run: async () => (await create(user, username)).status, wanted: "there" };
    },
  },
  {
    name: "rotate",
    begin: async () => {
      const username = newName();
      const { id } = await created(user, username);
      return { username, run: async () => (await api("POST", `/api/v1/bots/${id}/token`, { token: user.accessToken })).status, wanted: "there" };
    },
  },
  {
    name: "delete",
    begin: async () => {
      const username = newName();
      const { id } = await created(user, username);
      return { username, run: async () => (await api("DELETE", `/api/v1/bots/${id}`, { token: user.accessToken })).status, wanted: "gone" };
    },
  },
  {
    name: "reactivate",
    begin: async () => {
      const username = newName();
      const { id } = await created(user, username);
      await parkBot(contextAt(0), user.userId, id);
      return {
        username,
        run: async () => {
          await unparkBot(contextAt(0), user.userId, id);
          return 200;
        },
        wanted: "there",
      };
    },
  },
];

describe("a homeserver that fails in the middle", () => {
  // Each writes more than one person may in a minute.
  beforeEach(async () => {
    user = await signUpWithoutCap();
  });

  it.each(SAGAS.flatMap((saga) => FAULT_KINDS.map((kind) => [saga.name, kind, saga] as const)))(
    "%s, %s: leaves no orphan that the next tick does not find, whichever call fails",
    async (_, kind: FaultKind, saga) => {
      const sound = await saga.begin();
      const { next } = await faults.calls();
      expect([200, 201]).toContain(await sound.run());
      await settled();
      const calls = (await faults.calls(next)).calls.length;
      expect(calls).toBeGreaterThan(0);
      await expectInStep(sound.username);
      for (let nth = 0; nth < calls; nth++) {
        const { username, run, wanted } = await saga.begin();
        await faults.arm({ nth, kind });
        const status = await run();
        await settled();
        await faults.clear();
        expect([200, 201, 502, 503], `call ${nth}`).toContain(status);
        await tick();
        const row = await expectInStep(username);
        if (status < 300) expect(row !== null && row.status === "active" ? "there" : "gone", `call ${nth} answered ${status}`).toBe(wanted);
      }
    },
    120_000,
  );

  it("is down for a while: the sagas' leftovers wait for it", async () => {
    const username = newName();
    await faults.arm({ nth: 1, kind: "refuse", times: 1_000 });
    expect((await create(user, username)).status).toBe(503);
    await tick(0);
    expect(await findBotByUsername(contextAt(0), username)).toMatchObject({ status: "creating" });
    expect((await api("GET", "/api/v1/bots", { token: user.accessToken })).body).not.toContainEqual(expect.objectContaining({ bot_username: `${username}_bot` }));
    await faults.clear();
    // Its owner need not wait for the reconciler.
    await created(user, username);
    await expectInStep(username);
  });

  it("asks to wait: the caller hears how long, and nothing is left", async () => {
    const username = newName();
    await faults.arm({ kind: "status_429" });
    const answer = await create(user, username);
    await faults.clear();
    expect(answer).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    await tick();
    expect(await expectInStep(username)).toBeNull();
  });
});
