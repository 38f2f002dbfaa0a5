import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { expireSharesJob, notifyShare, notifySharesEnded, resendShares } from "../../../src/fleet/bot-shares";
import { deleteBot } from "../../../src/fleet/bots";
import type { OwnerCtx } from "../../../src/kernel/context";
import type { Job } from "../../../src/kernel/ports/services";
import { insertBot, type TestBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, registerMachine, StreamClient, type Beat } from "../../support/machines";
import { setPlan } from "../../support/plans";

const bindings = env as unknown as Env;
const { DB } = bindings;
const ACTIVE = "/api/v1/me/active-shares";
const SHARED = "/api/v1/me/shared-bots";
const HOUR_MS = 3_600_000;

interface Share {
  readonly id: number;
  readonly shared_with_user_id: string;
  readonly expires_at: string | null;
}
interface SharedBot {
  readonly share_id: number;
  readonly bot_id: string;
}

const pathOf = (bot: TestBot): string => `/api/v1/bots/${bot.id}/shares`;
const share = (owner: TestUser, bot: TestBot, withWhom: string, expiresAt?: string | null) =>
  api<Share & { code?: string }>("POST", pathOf(bot), { token: owner.accessToken, body: { shared_with_user_id: withWhom, ...(expiresAt === undefined ? {} : { expires_at: expiresAt }) } });
const shared = async (owner: TestUser, bot: TestBot, withWhom: TestUser, expiresAt?: string): Promise<Share> => {
  const { status, body } = await share(owner, bot, withWhom.matrixId, expiresAt);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
};
const listed = (owner: TestUser, bot: TestBot) => expectStatus<Share[]>(200, "GET", pathOf(bot), { token: owner.accessToken });
const sharedWith = (user: TestUser) => expectStatus<SharedBot[]>(200, "GET", SHARED, { token: user.accessToken });
const active = async (token: string) => (await expectStatus<{ shares: { share_id: number }[] }>(200, "GET", ACTIVE, { token })).shares;
const toggle = (owner: TestUser, bot: TestBot, enabled: boolean) => api("PATCH", `/api/v1/bots/${bot.id}/sharing`, { token: owner.accessToken, body: { enabled } });
const inAnHour = (): string => new Date(Date.now() + HOUR_MS).toISOString();

const overdue = (id: number) => DB.prepare("UPDATE bot_shares SET expires_at = ? WHERE id = ?").bind(Date.now() - 1_000, id).run();
const rowOf = (id: number) => DB.prepare("SELECT * FROM bot_shares WHERE id = ?").bind(id).first<{ ended_at: number | null; end_reason: string | null; bot_id: string; tenant_id: number }>();
const actionsOf = async (bot: TestBot): Promise<string[]> =>
  (await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'bot' AND subject_id = ? ORDER BY id").bind(bot.id).all<{ action: string }>()).results.map((row) => row.action);
const pairTo = (bot: TestBot, instanceId: string | null, pairingId: string | null = null) => DB.prepare("UPDATE bots SET instance_id = ?, pairing_id = ? WHERE id = ?").bind(instanceId, pairingId, bot.id).run();

const systemContext = () => createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));

type Told = Beat["pending_commands"][number] & { readonly payload: { readonly share_id: number; readonly reason: string } };

/**
 * What the machine was told of shares, once there are `atLeast` such commands: they leave after the answer. A share that ends while its
 * start is being told has its end told twice; that counts once here.
 */
async function told(user: TestUser, instanceId: string, atLeast: number): Promise<Told[]> {
  for (let tries = 0; ; tries++) {
    const all = (await beat(user.accessToken, instanceId)).pending_commands.filter((command) => command.command_type.startsWith("bot_share_")) as Told[];
    const seen = new Set<number>();
    const commands = all.filter(({ command_type, payload }) => command_type !== "bot_share_revoked" || (!seen.has(payload.share_id) && seen.add(payload.share_id)));
    if (commands.length >= atLeast) return commands;
    if (tries >= 200) throw new Error(`only ${commands.length} of ${atLeast} commands came`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const brief = (commands: readonly Told[]) => commands.map(({ command_type, payload }) => [command_type, payload.share_id, payload.reason]);

async function paired(): Promise<{ owner: TestUser; friend: TestUser; bot: TestBot; machine: string }> {
  const [owner, friend] = await Promise.all([signUpUser(), signUpUser({ name: "Fern" })]);
  const machine = await registerMachine(owner);
  const bot = await insertBot(owner, { instance_id: machine });
  return { owner, friend, bot, machine };
}

describe("a shared bot", () => {
  it("is seen by both sides, told to its machine, and taken back", async () => {
    const { owner, friend, bot, machine } = await paired();
    const stream = await StreamClient.open(`/api/v1/openclaw/events?instance_id=${machine}`, owner.accessToken);
    const expiresAt = inAnHour();
    const created = await shared(owner, bot, friend, expiresAt);
    expect(created).toEqual({ id: expect.any(Number), bot_id: bot.id, shared_with_user_id: friend.matrixId, shared_with_display_name: "Fern", created_at: expect.any(String), expires_at: expiresAt });
    expect(await listed(owner, bot)).toEqual([created]);
    expect(await sharedWith(friend)).toEqual([
      { share_id: created.id, bot_id: bot.id, bot_name: bot.name, bot_user_id: bot.matrixId, owner_display_name: "Test Badger", created_at: expect.any(String), expires_at: expiresAt },
    ]);
    const item = { share_id: created.id, bot_id: bot.id, bot_user_id: bot.matrixId, shared_with_user_id: friend.matrixId, expires_at: expiresAt };
    expect(await active((await mintToken(owner)).token)).toEqual([item]);

    const [notify] = await told(owner, machine, 1);
    expect(notify).toMatchObject({ command_type: "bot_share_notify", payload: { ...item, reason: "created" } });
    expect((await stream.until("share.created")).data).toMatchObject(item);

    expect(await api("DELETE", `${pathOf(bot)}/${created.id}`, { token: owner.accessToken })).toMatchObject({ status: 200, body: { success: true } });
    expect(await api("DELETE", `${pathOf(bot)}/${created.id}`, { token: owner.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect([await listed(owner, bot), await sharedWith(friend), await active(owner.accessToken)]).toEqual([[], [], []]);
    expect(brief(await told(owner, machine, 2))).toEqual([["bot_share_notify", created.id, "created"], ["bot_share_revoked", created.id, "revoked"]]);
    expect((await stream.until("share.revoked")).data).toMatchObject({ share_id: created.id, reason: "revoked" });
    await stream.close();
    expect(await actionsOf(bot)).toEqual(["bot_share.create", "bot_share.revoke"]);

    const again = await shared(owner, bot, friend);
    expect(again).toMatchObject({ expires_at: null });
    expect(again.id).not.toBe(created.id);
  });

  it("is left by its recipient, and by nobody else", async () => {
    const { owner, friend, bot, machine } = await paired();
    const { id } = await shared(owner, bot, friend);
    const stranger = await signUpUser();
    for (const who of [stranger, owner]) expect(await api("POST", `${SHARED}/${id}/leave`, { token: who.accessToken })).toMatchObject({ status: 404 });
    expect(await api("POST", `${SHARED}/${id}/leave`, { token: friend.accessToken })).toMatchObject({ status: 200, body: { success: true } });
    expect(await api("POST", `${SHARED}/${id}/leave`, { token: friend.accessToken })).toMatchObject({ status: 404 });
    expect(await rowOf(id)).toMatchObject({ end_reason: "left" });
    expect(brief(await told(owner, machine, 2))).toContainEqual(["bot_share_revoked", id, "left"]);
    const { results } = await DB.prepare("SELECT tenant_id, actor_id FROM audit_log WHERE action = 'bot_share.leave' AND subject_id = ?").bind(bot.id).all();
    expect(results).toEqual([{ tenant_id: owner.userId, actor_id: String(friend.userId) }]);
  });

  it("belongs to its owner alone", async () => {
    const { owner, friend, bot } = await paired();
    const { id } = await shared(owner, bot, friend);
    for (const [method, path, body] of [
      ["GET", pathOf(bot), undefined],
      ["POST", pathOf(bot), { shared_with_user_id: owner.matrixId }],
      ["DELETE", `${pathOf(bot)}/${id}`, undefined],
      ["PATCH", `/api/v1/bots/${bot.id}/sharing`, { enabled: false }],
    ] as const) {
      expect(await api(method, path, { token: friend.accessToken, body }), `${method} ${path}`).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    const other = await insertBot(owner);
    expect(await api("DELETE", `${pathOf(other)}/${id}`, { token: owner.accessToken })).toMatchObject({ status: 404 });
    expect(await rowOf(id)).toMatchObject({ ended_at: null });
  });
});

describe("sharing is refused", () => {
  it("to nobody, oneself, twice, and into the past", async () => {
    const { owner, friend, bot } = await paired();
    expect(await share(owner, bot, "@nobody:elsewhere.org")).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await share(owner, bot, owner.matrixId)).toMatchObject({ status: 400, body: { code: "malformed_request" } });
    for (const when of ["yesterday", "2020-01-01T00:00:00Z", "9999-01-01T00:00:00Z"]) {
      expect(await share(owner, bot, friend.matrixId, when)).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "expires_at"] }] } });
    }
    const gone = await signUpUser();
    await DB.prepare("UPDATE users SET status = 'deactivated' WHERE id = ?").bind(gone.userId).run();
    expect(await share(owner, bot, gone.matrixId)).toMatchObject({ status: 404 });
    expect(await listed(owner, bot)).toEqual([]);

    await setPlan(owner, "free_trial");
    const answers = await Promise.all([share(owner, bot, friend.matrixId), share(owner, bot, friend.matrixId), share(owner, bot, friend.matrixId)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(answers.filter(({ status }) => status === 409).map(({ body }) => body.code)).toEqual(["already_shared", "already_shared"]);
  });

  it("beyond the plan, also to several who ask at once", async () => {
    const { owner, friend, bot } = await paired();
    await setPlan(owner, "free");
    const friends = [friend, ...(await Promise.all([signUpUser(), signUpUser()]))];
    const answers = await Promise.all(friends.map((one) => share(owner, bot, one.matrixId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
    expect(answers.find(({ status }) => status === 403)?.body).toMatchObject({ code: "plan_limit", feature: "max_bot_shares", limit: 1, current: 1 });
    const [only] = await listed(owner, bot);
    // One that is overdue takes no place.
    await overdue(only?.id ?? 0);
    const next = friends.find((one) => one.matrixId !== only?.shared_with_user_id);
    expect((await share(owner, bot, next?.matrixId ?? "")).status).toBe(201);
  });

  it("for bots whose sharing is off or that the plan does not carry", async () => {
    const owner = await signUpUser();
    const friend = await signUpUser();
    const parked = await insertBot(owner, { plan_disabled_at: Date.now() });
    expect(await share(owner, parked, friend.matrixId)).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
    const shy = await insertBot(owner, { sharing_enabled: 0 });
    expect(await share(owner, shy, friend.matrixId)).toMatchObject({ status: 409, body: { code: "sharing_disabled" } });
    expect(await toggle(owner, shy, true)).toMatchObject({ status: 200 });
    expect((await share(owner, shy, friend.matrixId)).status).toBe(201);
  });
});

describe("turning sharing off", () => {
  it("ends every share, and turning it on brings none back", async () => {
    const { owner, friend, bot, machine } = await paired();
    const other = await signUpUser();
    const ids = [(await shared(owner, bot, friend)).id, (await shared(owner, bot, other)).id];
    const elsewhere = await shared(owner, await insertBot(owner), friend);
    for (let i = 0; i < 2; i++) expect(await toggle(owner, bot, false)).toMatchObject({ status: 200, body: { success: true } });
    expect(await listed(owner, bot)).toEqual([]);
    for (const id of ids) expect(await rowOf(id)).toMatchObject({ end_reason: "sharing_off" });
    const ended = (await told(owner, machine, 4)).filter(({ command_type }) => command_type === "bot_share_revoked");
    expect(ended.map(({ payload }) => [payload.share_id, payload.reason]).sort(([a], [b]) => Number(a) - Number(b))).toEqual(ids.map((id) => [id, "sharing_off"]));
    expect(await toggle(owner, bot, true)).toMatchObject({ status: 200 });
    expect((await active(owner.accessToken)).map(({ share_id }) => share_id)).toEqual([elsewhere.id]);
    expect((await actionsOf(bot)).filter((action) => action === "bot_share.toggle")).toHaveLength(2);
  });
});

describe("a share whose time is over", () => {
  it("is in no list, and expires once, whoever notices", async () => {
    const { owner, friend, bot, machine } = await paired();
    const { id } = await shared(owner, bot, friend, inAnHour());
    await told(owner, machine, 1);
    await overdue(id);
    expect([await listed(owner, bot), await sharedWith(friend)]).toEqual([[], []]);
    expect(await rowOf(id)).toMatchObject({ ended_at: null });

    await Promise.all([active(owner.accessToken), active(owner.accessToken), expireSharesJob(systemContext(), owner.userId)]);
    expect(await active(owner.accessToken)).toEqual([]);
    expect(await rowOf(id)).toMatchObject({ end_reason: "expired" });
    expect(brief(await told(owner, machine, 2))).toEqual([["bot_share_notify", id, "created"], ["bot_share_revoked", id, "expired"]]);
    const { results } = await DB.prepare("SELECT detail FROM audit_log WHERE action = 'bot_share.expire' AND tenant_id = ?").bind(owner.userId).all<{ detail: string }>();
    expect(results.map(({ detail }) => JSON.parse(detail) as unknown)).toEqual([{ share_ids: [id] }]);
  });

  it("makes room for a new one with the same person, and cannot be revoked into another end", async () => {
    const { owner, friend, bot, machine } = await paired();
    const first = await shared(owner, bot, friend, inAnHour());
    await told(owner, machine, 1);
    await overdue(first.id);
    const second = await shared(owner, bot, friend, inAnHour());
    expect(await rowOf(first.id)).toMatchObject({ end_reason: "expired" });
    expect((await listed(owner, bot)).map(({ id }) => id)).toEqual([second.id]);
    await overdue(second.id);
    expect(await api("DELETE", `${pathOf(bot)}/${second.id}`, { token: owner.accessToken })).toMatchObject({ status: 200 });
    expect(await rowOf(second.id)).toMatchObject({ end_reason: "expired" });
    expect(brief(await told(owner, machine, 4)).filter(([type]) => type === "bot_share_revoked")).toEqual(expect.arrayContaining([["bot_share_revoked", first.id, "expired"], ["bot_share_revoked", second.id, "expired"]]));
  });

  it("is found by the sweep, and only then", async () => {
    const { owner, friend, bot } = await paired();
    const { id } = await shared(owner, bot, friend, inAnHour());
    const jobs: Job[] = [];
    const collecting: Env = { ...bindings, JOBS: { send: async (job: Job) => void jobs.push(job) } as unknown as Queue };
    const tick = async (at: number) => {
      await handleScheduled(createScheduledController({ cron: "* * * * *", scheduledTime: new Date(at) }), collecting, { waitUntil: () => undefined });
      return jobs.splice(0).filter(({ type, payload }) => type === "share.expire" && payload === owner.userId);
    };
    const at = Date.now() + 900_000_000;
    expect(await tick(at)).toEqual([]);
    await overdue(id);
    expect(await tick(at + 60_000)).toHaveLength(1);
    await expireSharesJob(systemContext(), owner.userId);
    await expireSharesJob(systemContext(), owner.userId);
    expect(await rowOf(id)).toMatchObject({ end_reason: "expired" });
    expect(await tick(at + 120_000)).toEqual([]);
  });
});

describe("what machines are told", () => {
  it("survives the bot, its machine's silence and repeats", async () => {
    const { owner, friend, bot, machine } = await paired();
    const { id } = await shared(owner, bot, friend);
    await told(owner, machine, 1);
    const ctx = { ...createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req")), actor: { type: "cliToken", userId: owner.userId, tokenId: "t", expiresAt: null } } as unknown as OwnerCtx;
    await deleteBot(ctx, bot.id);
    expect(await rowOf(id)).toMatchObject({ end_reason: "bot_deleted" });
    const { ended_at: endedAt } = (await rowOf(id)) ?? {};
    const effect = { tenantId: owner.userId, botId: bot.id, botMatrixId: bot.matrixId, instanceId: machine, endedAt };
    for (let i = 0; i < 2; i++) await notifySharesEnded(systemContext(), effect);
    expect(brief(await told(owner, machine, 2))).toEqual([["bot_share_notify", id, "created"], ["bot_share_revoked", id, "bot_deleted"]]);
    expect(await sharedWith(friend)).toEqual([]);
  });

  it("reaches the machine that a bot came to, again after it came back", async () => {
    const { owner, friend, bot, machine } = await paired();
    const [kept, ended] = [await shared(owner, bot, friend), await shared(owner, bot, await signUpUser())];
    await told(owner, machine, 2);
    await api("DELETE", `${pathOf(bot)}/${ended.id}`, { token: owner.accessToken });
    const second = await registerMachine(owner);
    await pairTo(bot, second, "pairing-2");
    for (let i = 0; i < 2; i++) await resendShares(systemContext(), { botId: bot.id });
    expect(brief(await told(owner, second, 1)).filter(([type]) => type === "bot_share_notify")).toEqual([["bot_share_notify", kept.id, "created"]]);
    await pairTo(bot, machine, "pairing-3");
    await resendShares(systemContext(), { botId: bot.id });
    expect(brief(await told(owner, machine, 3)).filter(([type, id]) => type === "bot_share_notify" && id === kept.id)).toHaveLength(2);
  });

  it("is nothing for a bot on no machine, a machine that is gone, or a share that ended meanwhile", async () => {
    const { owner, friend, bot, machine } = await paired();
    await pairTo(bot, null);
    const { id } = await shared(owner, bot, friend);
    await resendShares(systemContext(), { botId: bot.id });
    await pairTo(bot, uniqueName("gone-"));
    await notifyShare(systemContext(), { botId: bot.id, recipientId: friend.userId });
    await pairTo(bot, machine);
    await overdue(id);
    await notifyShare(systemContext(), { botId: bot.id, recipientId: friend.userId });
    await resendShares(systemContext(), { botId: bot.id });
    await notifyShare(systemContext(), { botId: bot.id, recipientId: owner.userId });
    expect(await told(owner, machine, 0)).toEqual([]);
  });

  it("comes again later while the machine's queue is full", async () => {
    const { owner, friend, bot, machine } = await paired();
    await pairTo(bot, null);
    await shared(owner, bot, friend);
    await pairTo(bot, machine);
    for (let i = 0; i < 200; i++) await api("POST", "/api/v1/dashboard/commands", { token: owner.accessToken, body: { instance_id: machine, command_type: "update_cli" } });
    await expect(resendShares(systemContext(), { botId: bot.id })).rejects.toThrow("no room");
  });
});
