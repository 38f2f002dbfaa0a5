import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { insertBot, type TestBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, registerMachine } from "../../support/machines";

const { DB } = env as unknown as { DB: D1Database };

const at = (bot: TestBot, what: string): string => `/api/v1/hermes/bots/${bot.id}/${what}`;
const bootstrap = (token: string, bot: TestBot, recoveryKey: string, imageRef?: string | null) => api("POST", at(bot, "runtime-bootstrap"), { token, body: { recovery_key: recoveryKey, image_ref: imageRef } });
const auditOf = async (bot: TestBot): Promise<Record<string, unknown>[]> =>
  (await DB.prepare("SELECT detail FROM audit_log WHERE action = 'bot.bootstrap' AND subject_id = ? ORDER BY id").bind(bot.id).all<{ detail: string }>()).results.map(({ detail }) => JSON.parse(detail) as Record<string, unknown>);

async function hermesBot(): Promise<{ owner: TestUser; bot: TestBot; machine: string; token: string }> {
  const owner = await signUpUser();
  const { token } = await mintToken(owner);
  const machine = await registerMachine(owner, {}, token);
  return { owner, bot: await insertBot(owner, { runtime: "hermes", instance_id: machine }), machine, token };
}

describe("a Hermes bot's first start", () => {
  it("keeps the first recovery key for ever, sealed, and the newest image", async () => {
    const { bot, token } = await hermesBot();
    const [first, second] = [uniqueName("first").padEnd(32, "k"), uniqueName("second").padEnd(32, "k")];
    const stored = await bootstrap(token, bot, first, "hermes:1");
    expect(stored).toMatchObject({ status: 200, body: { bot_id: bot.id, persisted: true, runtime_version: "hermes:1" } });
    const bootstrappedAt = stored.body["bootstrapped_at"];
    expect(bootstrappedAt).toEqual(expect.any(String));
    expect((await bootstrap(token, bot, first)).body).toEqual(stored.body);
    expect((await bootstrap(token, bot, first, "hermes:2")).body).toEqual({ ...stored.body, runtime_version: "hermes:2" });
    expect((await bootstrap(token, bot, second, "hermes:3")).body).toEqual({ bot_id: bot.id, persisted: false, bootstrapped_at: bootstrappedAt, runtime_version: "hermes:3" });
    expect((await bootstrap(token, bot, first)).body).toMatchObject({ persisted: true, runtime_version: "hermes:3" });

    const audit = await auditOf(bot);
    expect(audit.map((detail) => detail["recovery_key"])).toEqual(["stored", "same", "differs"]);
    expect(audit.map((detail) => "warning" in detail)).toEqual([false, false, true]);
    const row = await DB.prepare("SELECT * FROM bots WHERE id = ?").bind(bot.id).first<Record<string, unknown>>();
    expect(row?.["sealed_recovery_key"]).toMatch(/^v1\./);
    for (const secret of [first, second]) expect(JSON.stringify([row, audit])).not.toContain(secret);
  });

  it("told twice at once is one", async () => {
    const { bot, token } = await hermesBot();
    const answers = await Promise.all(["a", "b", "c"].map((key) => bootstrap(token, bot, key.repeat(32), "hermes:1")));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.filter(({ body }) => body["persisted"] === true)).toHaveLength(1);
    expect((await auditOf(bot)).filter((detail) => detail["recovery_key"] === "stored")).toHaveLength(1);
  });

  it("needs a key of sensible length", async () => {
    const { bot, token } = await hermesBot();
    for (const key of ["k".repeat(31), "k".repeat(201)]) expect(await bootstrap(token, bot, key)).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "recovery_key"] }] } });
    expect(await auditOf(bot)).toEqual([]);
  });
});

describe("a running Hermes bot", () => {
  it("tells its image and the container that its machine reported", async () => {
    const { bot, token, machine } = await hermesBot();
    expect(await expectStatus(200, "GET", at(bot, "version"), { token })).toEqual({ bot_id: bot.id, image: null, container_id: null });
    await bootstrap(token, bot, "k".repeat(40), "hermes:1");
    await beat(token, machine, { capabilities: { hermes: { installed: true, containers: { [bot.id]: "c0ffee" } } } });
    expect(await expectStatus(200, "GET", at(bot, "version"), { token })).toEqual({ bot_id: bot.id, image: "hermes:1", container_id: "c0ffee" });
  });

  it("has no log lines that nobody reported", async () => {
    const { bot, token } = await hermesBot();
    expect(await expectStatus(200, "GET", at(bot, "logs"), { token })).toEqual({ bot_id: bot.id, lines: [], truncated: false });
    expect(await expectStatus(200, "GET", `${at(bot, "logs")}?lines=2000`, { token })).toMatchObject({ lines: [] });
    for (const lines of ["0", "2001", "many"]) expect(await api("GET", `${at(bot, "logs")}?lines=${lines}`, { token })).toMatchObject({ status: 422 });
  });

  it("restarts by a command to its machine, once for a key", async () => {
    const { bot, token, machine } = await hermesBot();
    const headers = { "idempotency-key": uniqueName("key") };
    const restart = () => expectStatus<Record<string, unknown>>(200, "POST", at(bot, "restart"), { token, headers });
    const queued = await restart();
    expect(queued).toEqual({ bot_id: bot.id, restarted: false, message: "queued", command_id: expect.any(String) });
    expect(await restart()).toEqual(queued);
    expect((await beat(token, machine)).pending_commands).toEqual([{ id: queued["command_id"], command_type: "restart_gateway", payload: { bot_id: bot.id } }]);
    await DB.prepare("UPDATE bots SET instance_id = NULL WHERE id = ?").bind(bot.id).run();
    expect(await api("POST", at(bot, "restart"), { token })).toMatchObject({ status: 409, body: { code: "conflict" } });
  });
});

describe("Hermes operations are refused", () => {
  const all = (bot: TestBot) =>
    [
      ["GET", at(bot, "logs"), undefined],
      ["GET", at(bot, "version"), undefined],
      ["POST", at(bot, "restart"), undefined],
      ["POST", at(bot, "runtime-bootstrap"), { recovery_key: "k".repeat(40) }],
    ] as const;

  it("for other bots, other owners' bots, and by another machine's token", async () => {
    const { owner, bot, token } = await hermesBot();
    const plain = await insertBot(owner);
    const stranger = await signUpUser();
    const { token: otherToken } = await mintToken(owner);
    await registerMachine(owner, {}, otherToken);
    for (const [method, path, body] of all(plain)) expect(await api(method, path, { token, body }), path).toMatchObject({ status: 409, body: { code: "bot_not_hermes" } });
    for (const [method, path, body] of all(bot)) {
      expect(await api(method, path, { token: stranger.accessToken, body }), path).toMatchObject({ status: 404, body: { code: "not_found" } });
      expect(await api(method, path, { token: otherToken, body }), path).toMatchObject({ status: 403, body: { code: "token_bound" } });
      expect((await api(method, path, { token: owner.accessToken, body })).status, path).toBe(200);
    }
  });
});
