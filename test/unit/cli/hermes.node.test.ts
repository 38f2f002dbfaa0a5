import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hermesLaunch } from "../../../cli/src/bots/hermes";
import { BotWorld, type HermesStart } from "./bot-world";
import { eventually, pidExists } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let world: BotWorld;

beforeEach(async () => {
  world = await BotWorld.open();
});

afterEach(() => world.close());

describe("a bot of the Hermes runtime", () => {
  const hermesUp = (): Promise<HermesStart> => eventually("a Hermes", () => world.hermesStarts().at(-1));

  it("gets a process with its credentials, never without a list of people, and its recovery key is kept", async () => {
    await world.start();
    const { paths } = world;
    const { bot } = world.bots.offer("marvin", "hermes");
    const { env, pid, argv } = await hermesUp();
    expect(argv).toEqual(["gateway", "run"]);
    expect(env).toMatchObject({ MATRIX_HOMESERVER: world.server.url, MATRIX_ACCESS_TOKEN: bot.token, MATRIX_USER_ID: bot.userId, MATRIX_DEVICE_ID: bot.device, MATRIX_ALLOWED_USERS: "@ada:x.test", MATRIX_REQUIRE_MENTION: "true" });
    expect(statSync(join(paths.bots, "marvin.hermes")).mode & 0o777).toBe(0o700);
    await eventually("the server has the key", () => world.bots.bootstraps.length > 0);
    expect(world.bots.bootstraps[0]).toMatchObject({ bot_id: bot.id, recovery_key: expect.stringMatching(/^EsTf/) });
    await eventually("running", () => world.beat()["status"] === "running");
    expect(world.server.beats.at(-1)).toMatchObject({ gateway_pid: expect.not.stringMatching(String(pid)), capabilities: { hermes: { installed: true, running: true } } });
    expect(world.hermesStarts()).toHaveLength(1);
    world.expectHidden(bot.token);
    world.expectHidden(String(world.bots.bootstraps[0]?.["recovery_key"]));
    expect(await world.send("restart_gateway", { bot_id: bot.id })).toMatchObject({ status: "success" });
    expect(pidExists(pid)).toBe(false);
    await eventually("it has its key", () => world.hermesStarts().at(-1)?.env["MATRIX_RECOVERY_KEY"] === world.bots.bootstraps[0]?.["recovery_key"]);
  });

  it("is started again with fresh credentials and with new people, and ends when it is dropped", async () => {
    await world.start();
    const { bot } = world.bots.offer("marvin", "hermes");
    const first = await hermesUp();
    expect(await world.send("bot_refresh", { bot_id: bot.id })).toMatchObject({ status: "success" });
    await eventually("it has the new token", () => world.hermesStarts().at(-1)?.env["MATRIX_ACCESS_TOKEN"] === bot.token);
    expect(pidExists(first.pid)).toBe(false);
    world.bots.shares = [{ share_id: 1, bot_id: bot.id, bot_user_id: bot.userId, shared_with_user_id: "@bob:x.test", expires_at: null }];
    await world.send("bot_share_notify", { bot_id: bot.id });
    await eventually("bob may", () => world.hermesStarts().at(-1)?.env["MATRIX_ALLOWED_USERS"] === "@ada:x.test,@bob:x.test");
    world.bots.refreshStatus = 404;
    await world.send("bot_refresh", { bot_id: bot.id });
    await eventually("all ended", () => world.hermesStarts().every(({ pid }) => !pidExists(pid)));
    expect(existsSync(join(world.paths.bots, "marvin.hermes"))).toBe(false);
  });

  it("takes the configured command", async () => {
    writeFileSync(world.path("config.json"), JSON.stringify({ hermes: { command: [world.path("bin", "hermes"), "mine"], env: { GEMINI_API_KEY: "k" } } }));
    await world.start();
    world.bots.offer("marvin", "hermes");
    expect((await hermesUp()).argv).toEqual(["mine"]);
  });

  it("is not started without anything to run it, and says so", async () => {
    vi.stubEnv("PATH", "/nowhere");
    await world.start();
    world.bots.offer("marvin", "hermes");
    await eventually("told", () => world.beat()["status"] === "error");
    expect(String(world.beat()["last_error"])).toContain("Hermes is not installed here");
  });

  it("runs in a container where there is docker, with nothing secret on its command line", () => {
    const folder = world.path("bin");
    writeFileSync(join(folder, "docker"), "#!/bin/sh\n", { mode: 0o755 });
    const record = { ...world.keep(), runtime: "hermes" as const, recovery_key: "EsTo-secret", rooms: { "!a:x": "auto" as const, "!b:x": "mention" as const } };
    const launch = hermesLaunch(record, { image: "img:1", env: { KEY: "provider-secret" } }, "/data", 0, { PATH: folder });
    if (!launch.ok) throw new Error(launch.text);
    const { command = [], env = {} } = launch.entry;
    expect(command.slice(-3)).toEqual(["img:1", "gateway", "run"]);
    expect(command).toEqual(expect.arrayContaining(["-e", "MATRIX_ACCESS_TOKEN", "-v", "/data:/opt/data"]));
    for (const secret of [record.access_token, "EsTo-secret", "provider-secret"]) expect(command.join(" ")).not.toContain(secret);
    expect(env).toMatchObject({ MATRIX_ACCESS_TOKEN: record.access_token, MATRIX_RECOVERY_KEY: "EsTo-secret", MATRIX_FREE_RESPONSE_ROOMS: "!a:x", MATRIX_RECOVERY_KEY_OUTPUT_FILE: "/opt/data/recovery-key", KEY: "provider-secret" });
  });

  it("is not started for an owner that nobody knows", () => {
    expect(hermesLaunch({ ...world.keep(), owner: null }, { command: ["x"], image: "i", env: {} }, "/data", 0)).toMatchObject({ ok: false, text: expect.stringContaining("who owns the bot is not known") });
  });
});
