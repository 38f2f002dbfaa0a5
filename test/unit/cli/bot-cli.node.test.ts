import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { saveAuth } from "../../../cli/src/core/auth-store";
import { settPaths } from "../../../cli/src/core/paths";
import { installRuntimes } from "../../support/runtimes.mjs";
import { FakeBots } from "./fake-bots";
import { FakeServer } from "./fake-server";
import { temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

type Json = Record<string, unknown>;

const bundleHome = temporaryHome();
const bundle = join(bundleHome.path, "sett.mjs");

let server: FakeServer;
let bots: FakeBots;
let home: ReturnType<typeof temporaryHome>;

beforeAll(() => {
  execFileSync(process.execPath, [fileURLToPath(new URL("../../../cli/build.mjs", import.meta.url).href), bundle]);
});

afterAll(() => bundleHome.remove());

beforeEach(async () => {
  server = new FakeServer();
  await server.start();
  bots = new FakeBots(server);
  home = temporaryHome();
  mkdirSync(join(home.path, "openclaw"));
  saveAuth(settPaths(home.path), { server: server.url, access_token: server.token, user_id: "@ada:x.test", expires_at: null, instance_id: "box-1" });
});

afterEach(async () => {
  await server.kill();
  home.remove();
});

async function sett(...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string; readonly json: Json }> {
  const env = { ...process.env, SETT_HOME: home.path, SETT_INSTANCE_ID: "box-1", NO_COLOR: "1", OPENCLAW_STATE_DIR: join(home.path, "openclaw"), PATH: installRuntimes(join(home.path, "bin"), ["openclaw"]) };
  const child = spawn(process.execPath, [bundle, ...args, "--server", server.url], { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const line = out.split("\n").findLast((candidate) => candidate.startsWith("{"));
  return { code, text: out + err, json: line === undefined ? {} : (JSON.parse(line) as Json) };
}

const account = (name: string): unknown => {
  const path = join(home.path, "openclaw", "openclaw.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { channels: { badgerclaw: { accounts: Json } } }).channels.badgerclaw.accounts[name] : undefined;
};

describe("sett bot", () => {
  it("makes, lists, shows and deletes bots", async () => {
    expect((await sett("bot", "list")).text).toContain("no bots yet");
    const made = await sett("bot", "create", "Ada_bot", "--name", "Ada Lovelace", "--runtime", "hermes", "--json");
    expect(made.json).toMatchObject({ event: "created", bot: { username: "ada", name: "Ada Lovelace", runtime: "hermes", bot_user_id: "@ada_bot:x.test" } });
    expect((await sett("bot", "list", "--json")).json).toMatchObject({ bots: [{ username: "ada", runtime: "hermes", paired: false, here: false }] });
    expect((await sett("bot", "list")).text).toMatch(/ada\s+Ada Lovelace\s+hermes\s+active\s+nowhere/);
    expect((await sett("bot", "rooms", "ada", "--json")).json).toMatchObject({ rooms: [{ room_id: "!r:x.test" }] });
    expect((await sett("bot", "status", "ada")).text).toMatch(/pairing\s+live, health 100/);
    expect(await sett("bot", "delete", "ada_bot", "--json")).toMatchObject({ code: 0, json: { event: "deleted", name: "ada" } });
  });

  it("says what is wrong, in the server's words, with the exit codes of all commands", async () => {
    bots.add("ada");
    expect(await sett("bot", "create", "ada", "--json")).toMatchObject({ code: 5, json: { event: "error", message: "that name is taken", code: "bot_name_taken" } });
    expect(await sett("bot", "delete", "nobody")).toMatchObject({ code: 5, text: expect.stringContaining("no such bot") });
    expect(await sett("bot", "status", "nobody", "--json")).toMatchObject({ code: 5, json: { code: "no_bot" } });
    expect((await sett("bot", "create", "x", "--runtime", "other")).code).toBe(2);
  });

  it("makes a bot and brings it here at once", async () => {
    const made = await sett("bot", "create", "ada", "--pair", "--json");
    expect(made).toMatchObject({ code: 0, json: { event: "paired", bots: [{ account: "ada", configured: true, error: null }] } });
    expect(account("ada")).toMatchObject({ accessToken: bots.bot("ada").token });
    expect(made.text).not.toContain(bots.bot("ada").token);
    expect([...bots.codes.values()][0]).toMatchObject({ target: "box-1", state: "redeemed" });
    expect(bots.claims).toHaveLength(1);
    expect((await sett("bot", "list", "--json")).json).toMatchObject({ bots: [{ here: true }] });
  });
});

describe("sett pair", () => {
  it("redeems a code, and says so when it is no good any more", async () => {
    const code = bots.addCode(bots.add("ada").id);
    expect(await sett("pair", code.toLowerCase(), "--json")).toMatchObject({ code: 0, json: { bots: [{ account: "ada", bot_id: "id-ada", configured: true }] } });
    // The same machine has it already: that is what was wanted.
    expect((await sett("pair", code)).code).toBe(0);
    expect(await sett("pair", "BCK-AAAA-AAAA", "--json")).toMatchObject({ code: 5, json: { code: "pairing_code_invalid", message: "that code does not work" } });
    expect(await sett("pair", "nonsense")).toMatchObject({ code: 2, text: expect.stringContaining("BCK-XXXX-XXXX") });
    expect(bots.redeems).toBe(2);
  });

  it("picks up what waits, once", async () => {
    bots.addCode(bots.add("ada").id);
    bots.addCode(bots.add("bob").id);
    bots.addCode(bots.add("eve").id, "elsewhere");
    expect((await sett("pair", "--json")).json).toMatchObject({ bots: [{ account: "ada" }, { account: "bob" }] });
    expect(await sett("pair")).toMatchObject({ code: 0, text: expect.stringContaining("no bot waits for this machine") });
  });

  it("keeps credentials that could not be configured, and finishes later", async () => {
    const marker = join(home.path, "openclaw", "no-channel");
    writeFileSync(marker, "");
    const bot = bots.add("ada");
    const code = bots.addCode(bot.id);
    const first = await sett("pair", code);
    expect(first).toMatchObject({ code: 6, text: expect.stringContaining('declares the channel "badgerclaw"') });
    expect(first.text).not.toContain(bot.token);
    const doctor = await sett("doctor");
    expect(doctor.text).toMatch(/✗ bot ada: no plugin of this OpenClaw/);
    execFileSync("rm", [marker]);
    expect(await sett("pair", "--json")).toMatchObject({ code: 0, json: { bots: [{ account: "ada", configured: true, error: null }] } });
    expect(bots.redeems).toBe(1);
    expect((await sett("doctor")).text).toMatch(/✓ bot ada: @ada_bot:x.test, openclaw, .* knows it/);
  });

  it("completes its words in every shell", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { text } = await sett("completion", shell);
      for (const word of ["pair", "bot", "rooms", "runtime", "hermes-command"]) expect(text).toContain(word);
    }
  });
});
