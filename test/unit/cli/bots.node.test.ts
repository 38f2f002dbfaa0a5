import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BotWorld } from "./bot-world";
import { eventually } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let world: BotWorld;

beforeEach(async () => {
  world = await BotWorld.open();
});

afterEach(() => world.close());

describe("pairing", () => {
  it("takes a bot in when told, configures OpenClaw, claims, and tells that it runs", async () => {
    await world.start();
    const { bot, code } = world.bots.offer("ada");
    await eventually("running", () => world.beat()["status"] === "running");
    expect(world.beats()).toMatchObject([{ bot_id: bot.id, status: "running", errors: 0, last_error: null }]);
    expect(world.accounts()["ada"]).toEqual({ userId: bot.userId, accessToken: bot.token, homeserver: world.server.url, encryption: true, deviceId: bot.device });
    await eventually("claimed", () => world.bots.claims.includes(code));
    const file = join(world.paths.bots, "ada.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await eventually("forgot the code", () => world.store.find("ada")?.unclaimed_code === null);
    expect(readFileSync(file, "utf8")).not.toContain(code);
    world.expectHidden(bot.token);
  });

  it("finds at the start what waited for it, and leaves alone what is meant for another machine", async () => {
    const waiting = world.bots.add("waiting");
    world.bots.addCode(waiting.id);
    world.bots.addCode(world.bots.add("other").id, "machine-2");
    await world.start();
    await eventually("paired", () => world.store.find("waiting")?.configured === true);
    world.server.emit({ type: "pair", pair_code: [...world.bots.codes.keys()][1], bot_name: "other", bot_user_id: "@other_bot:x.test", target_instance_id: "machine-2" });
    const { bot } = world.bots.offer("third");
    await eventually("the next one", () => world.accounts()["third"]?.["accessToken"] === bot.token);
    expect(world.bots.redeems).toBe(2);
    expect(world.store.find("other")).toBeUndefined();
  });

  it("redeems a code once, whatever says it how often", async () => {
    await world.start();
    const { code, bot } = world.bots.offer("ada");
    for (let count = 0; count < 3; count += 1) world.server.emit({ type: "pair", pair_code: code, bot_name: "ada", bot_user_id: bot.userId });
    world.server.dropLinks();
    await eventually("claimed", () => world.bots.claims.length > 0);
    expect(world.bots.redeems).toBe(1);
  });

  it("drops a code that somebody else redeemed, without a word to anybody", async () => {
    const { events } = await world.start();
    world.server.emit({ type: "pair", pair_code: "BCK-USED-USED", bot_name: "x", bot_user_id: "@x_bot:x.test" });
    await eventually("asked", () => world.bots.redeems === 1);
    const { bot } = world.bots.offer("ada");
    await eventually("the next one works", () => world.accounts()["ada"]?.["accessToken"] === bot.token && events.some((event) => event.event === "bot"));
    expect(events.filter((event) => event.event === "bot").map((event) => ("account" in event ? event.account : ""))).toEqual(["ada"]);
    expect(readFileSync(world.paths.daemonLog, "utf8")).not.toContain("BCK-USED");
  });

  it("waits out a homeserver that is away while the code lives", async () => {
    world.bots.trouble.push(503, 503, 503);
    await world.start();
    const { bot } = world.bots.offer("ada");
    await eventually("paired", () => world.accounts()["ada"]?.["accessToken"] === bot.token);
    expect(world.bots.redeems).toBe(4);
  });

  it("recovers a bot whose code worked but whose answer was lost", async () => {
    world.bots.trouble.push("lost");
    await world.start();
    const { bot } = world.bots.offer("ada");
    await eventually("paired", () => world.accounts()["ada"]?.["accessToken"] === bot.token);
    expect(world.bots.redeems).toBe(2);
    await eventually("written down", () => world.store.find("ada")?.configured);
    expect(world.store.find("ada")?.bot_id).toBe(bot.id);
  });

  it("goes on where a daemon died between redeeming and configuring", async () => {
    const record = world.keep({ unclaimed_code: "BCK-AAAA-9999", configured: false });
    await world.start();
    await eventually("configured", () => world.accounts()["ada"]?.["accessToken"] === record.access_token);
    await eventually("claimed", () => world.bots.claims.includes("BCK-AAAA-9999"));
    expect(world.bots.redeems).toBe(0);
  });

  it("says what is missing when no plugin knows the channel, keeps the credentials, and touches nothing", async () => {
    writeFileSync(world.path("openclaw", "no-channel"), "");
    await world.start();
    const { bot } = world.bots.offer("ada");
    await eventually("told", () => world.beat()["status"] === "error");
    expect(String(world.beat()["last_error"])).toContain('no plugin of this OpenClaw declares the channel "badgerclaw"');
    expect(existsSync(world.openclawFile)).toBe(false);
    expect(world.store.find("ada")).toMatchObject({ access_token: bot.token, configured: false });
    world.expectHidden(bot.token);
  });

  it("notices a bot that `sett pair` brought while the daemon runs", async () => {
    await world.start();
    world.keep();
    await eventually("beats tell of it", () => world.beat()["bot_id"] === "id-ada");
  });
});

describe("an old OpenClaw", () => {
  it("gets its file edited, and keeps what else is in it", async () => {
    writeFileSync(world.path("openclaw", "no-patch"), "");
    writeFileSync(world.openclawFile, JSON.stringify({ agents: { a: 1 }, channels: { badgerclaw: { accounts: { old: { userId: "@old:x" } } } } }));
    await world.start();
    const { bot } = world.bots.offer("ada");
    await eventually("configured", () => world.accounts()["ada"]?.["accessToken"] === bot.token);
    expect(JSON.parse(readFileSync(world.openclawFile, "utf8"))).toMatchObject({ agents: { a: 1 }, channels: { badgerclaw: { accounts: { old: { userId: "@old:x" } } } } });
    expect(statSync(world.openclawFile).mode & 0o777).toBe(0o600);
    world.expectHidden(bot.token);
  });

  it("is not touched when its plugin is missing", async () => {
    for (const name of ["no-patch", "no-channel"]) writeFileSync(world.path("openclaw", name), "");
    writeFileSync(world.openclawFile, '{"agents":{}}');
    await world.start();
    world.bots.offer("ada");
    await eventually("told", () => world.beat()["status"] === "error");
    expect(readFileSync(world.openclawFile, "utf8")).toBe('{"agents":{}}');
  });
});

describe("a machine without the openclaw program", () => {
  it("never rewrites a file that it cannot read", async () => {
    vi.stubEnv("PATH", "/usr/bin:/bin");
    const text = "// mine\n{ channels: { badgerclaw: {} } }\n";
    writeFileSync(world.openclawFile, text);
    await world.start();
    world.bots.offer("ada");
    await eventually("told", () => world.beat()["status"] === "error");
    expect(readFileSync(world.openclawFile, "utf8")).toBe(text);
  });
});

describe("a bot that lives here", () => {
  it("takes fresh credentials when asked, and its runtime has them", async () => {
    const before = world.keep({ error: "old trouble", errors: 1 });
    await world.start();
    const result = await world.send("bot_refresh", { bot_id: "id-ada" });
    expect(result).toMatchObject({ status: "success" });
    const { token } = world.bots.bot("ada");
    expect(token).not.toBe(before.access_token);
    expect(world.accounts()["ada"]?.["accessToken"]).toBe(token);
    await eventually("running", () => world.beat()["status"] === "running" && world.beat()["last_error"] === null);
    expect(JSON.stringify(result)).not.toContain(token);
    world.expectHidden(token);
  });

  it("is taken in by a refresh when only the server knows that it is here", async () => {
    const bot = world.bots.add("ada");
    bot.instance = "machine-1";
    await world.start();
    expect(await world.send("bot_refresh", { bot_id: bot.id })).toMatchObject({ status: "success" });
    expect(world.store.find("ada")).toMatchObject({ access_token: bot.token, configured: true });
  });

  it.each([403, 404, 409])("is forgotten when its refresh is refused with %i", async (status) => {
    world.keep();
    world.bots.refreshStatus = status;
    const { events } = await world.start();
    expect(await world.send("bot_refresh", { bot_id: "id-ada" })).toMatchObject({ status: "failed", result: "not yours" });
    await eventually("gone", () => world.store.list().length === 0);
    expect(world.accounts()["ada"]).toBeUndefined();
    await eventually("no beat tells of it", () => world.beats().length === 0);
    expect(events.some((event) => event.event === "bot" && event.detail.includes("not on this machine any more"))).toBe(true);
  });

  it("is kept when the refresh fails for a passing reason", async () => {
    world.keep();
    world.bots.refreshStatus = 503;
    await world.start();
    expect(await world.send("bot_refresh", { bot_id: "id-ada" })).toMatchObject({ status: "failed" });
    expect(world.store.find("ada")).toBeDefined();
  });

  it("goes when it was paired elsewhere, as the roster tells after a link", async () => {
    world.keep();
    const bot = world.bots.bot("ada");
    Object.assign(bot, { instance: "machine-2", device: "OTHER", token: world.bots.freshToken() });
    await world.start();
    await eventually("gone", () => world.store.list().length === 0);
  });

  it("is reported broken when the homeserver does not know its token, until it is repaired", async () => {
    world.keep();
    world.bots.bot("ada").token = world.bots.freshToken();
    await world.start();
    await eventually("told", () => world.beat()["status"] === "error");
    expect(String(world.beat()["last_error"])).toContain("M_UNKNOWN_TOKEN");
    expect(await world.send("bot_refresh", { bot_id: "id-ada" })).toMatchObject({ status: "success" });
    await eventually("running", () => world.beat()["status"] === "running");
  });

  it("lets in whom it is shared with, and shuts them out again, also by its own clock", async () => {
    world.keep();
    await world.start();
    const soon = new Date(Date.now() + 1_500).toISOString();
    world.bots.shares = [
      { share_id: 1, bot_id: "id-ada", bot_user_id: "@ada_bot:x.test", shared_with_user_id: "@bob:x.test", expires_at: null },
      { share_id: 2, bot_id: "id-ada", bot_user_id: "@ada_bot:x.test", shared_with_user_id: "@eve:x.test", expires_at: soon },
    ];
    expect(await world.send("bot_share_notify", { bot_id: "id-ada", share_id: 2 })).toMatchObject({ status: "success" });
    expect(world.accounts()["ada"]?.["allowFrom"]).toEqual(["@ada:x.test", "@bob:x.test", "@eve:x.test"]);
    await eventually("expired by the clock", () => JSON.stringify(world.accounts()["ada"]?.["allowFrom"]) === '["@ada:x.test","@bob:x.test"]');
    world.bots.shares = [];
    expect(await world.send("bot_share_revoked", { bot_id: "id-ada", share_id: 1 })).toMatchObject({ status: "success" });
    expect(world.accounts()["ada"]?.["allowFrom"]).toEqual(["@ada:x.test"]);
  });

  it("learns how to answer in a room", async () => {
    world.keep();
    await world.start();
    world.server.emit({ type: "bot.room.mode", bot_id: "id-ada", room_id: "!a.b:x.test", mode: "mention" });
    await eventually("in the config", () => JSON.stringify(world.accounts()["ada"]?.["rooms"]) === '{"!a.b:x.test":{"mode":"mention"}}');
  });

  it("leaves a room with its own token", async () => {
    const record = world.keep();
    await world.start();
    expect(await world.send("leave_room", { bot_id: "id-ada", room_id: "!a/b:x.test" })).toMatchObject({ status: "success" });
    expect(world.bots.left).toEqual([{ token: record.access_token, room: "!a/b:x.test" }]);
    expect(await world.send("leave_room", { bot_id: "nobody", room_id: "!a:x" })).toMatchObject({ status: "failed", result: "that bot is not on this machine" });
  });
});
