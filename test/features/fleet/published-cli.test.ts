import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { handleFetch } from "../../../src/app";
import type { Env } from "../../../src/env";
import { insertBot } from "../../support/bots";
import { api, BASE_URL, expectStatus, send, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { confirmAs, PublishedCli } from "../../support/published-cli";

/** The published command line against this server, where there is no homeserver. The whole story is in test/homeserver. */

const newCode = async (user: TestUser, botId: string, target: string | null = null): Promise<string> =>
  (await expectStatus<{ code: string }>(200, "POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: botId, target_instance_id: target } })).code;
const statusOf = (user: TestUser) => expectStatus<{ instances?: unknown[] }>(200, "GET", "/api/v1/openclaw/status", { token: user.accessToken });

async function loggedIn(user: TestUser, cli = new PublishedCli()): Promise<PublishedCli> {
  await cli.login(confirmAs(user));
  return cli;
}

describe("the published command line", () => {
  it("logs in with the bare challenge, registers under its own name, and is offline after logging out", async () => {
    const user = await signUpUser();
    const cli = new PublishedCli("0.1.4", "My Mac.local");
    expect(await cli.instanceId()).toMatch(/^openclaw-my-mac-local-[0-9a-f]{16}$/);
    await loggedIn(user, cli);
    expect(cli.isLoggedIn).toBe(true);
    expect(cli.matrixId).toBe(user.matrixId);
    expect(cli.printed).toEqual([`Logged in as ${user.username}`]);
    const machine = { instance_id: await cli.instanceId(), label: "My Mac.local", version: "0.1.4" };
    expect(JSON.stringify(await statusOf(user))).toContain(machine.instance_id);
    await cli.logout();
    expect(cli.isLoggedIn).toBe(false);
    expect(await expectStatus(200, "GET", `/api/v1/dashboard/machines/${machine.instance_id}`, { token: user.accessToken })).toMatchObject({ isOnline: false });
    // Logging out a machine that nobody knows changes nothing and is not looked at.
    await expectStatus(404, "POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { ...machine, instance_id: uniqueName("gone"), online: false } });
  });

  it("goes on when its name belongs to somebody else, and reads why nothing is paired", async () => {
    const [first, second] = [await signUpUser(), await signUpUser()];
    const host = uniqueName("shared");
    await loggedIn(first, new PublishedCli("0.1.13", host));
    const cli = await loggedIn(second, new PublishedCli("0.1.13", host));
    expect(cli.isLoggedIn).toBe(true);
    expect(await cli.listBots()).toEqual([]);
    await newCode(second, (await insertBot(second)).id);
    expect(await cli.watchOnce()).toBe(1);
    expect(cli.printed.at(-1)).toMatch(/^Failed to pair Rocky: [A-Z].+\.$/);
  });

  it("lists bots without _bot, and marks those that the plan parked", async () => {
    const user = await signUpUser();
    const parked = await insertBot(user, { plan_disabled_at: 1, created_at: 1 });
    const bot = await insertBot(user);
    const cli = await loggedIn(user);
    expect(await cli.listBots()).toEqual([
      { name: bot.username, active: true },
      { name: parked.username, active: false },
    ]);
    expect(await cli.deleteBot(bot.username)).toBe(true);
    expect(await cli.deleteBot(bot.username)).toBe(false);
    expect(cli.printed.at(-1)).toMatch(/^Error: [A-Z].* not found\.$/);
    expect(await cli.listBots()).toHaveLength(1);
  });

  it("prints sentences, never objects, whatever goes wrong", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    const cli = await loggedIn(user);
    expect(await cli.createBot("rocky_two")).toBe(false);
    await newCode(user, bot.id);
    for (let round = 0; round < 2; round++) expect(await cli.watchOnce()).toBe(1);
    for (const line of cli.printed) expect(line).not.toMatch(/\[object|undefined|null/);
    const [, created, paired] = cli.printed;
    expect(created).toContain("homeserver");
    expect(paired).toContain("Failed to pair Rocky: ");
  });

  it("hears codes on its stream: those that wait when it connects, then new ones, each once", async () => {
    const user = await signUpUser();
    const [early, late] = [await insertBot(user, { name: "Early" }), await insertBot(user, { name: "Late" })];
    const cli = await loggedIn(user);
    await newCode(user, early.id);
    const seen = (name: string) => cli.printed.filter((line) => line.includes(name)).length;
    let asked = false;
    await cli.watchStream(() => {
      if (seen("Early") > 0 && !asked) {
        asked = true;
        void newCode(user, late.id, null);
      }
      return seen("Late") > 0;
    });
    expect([seen("Early"), seen("Late"), cli.opened]).toEqual([1, 1, [200]]);
    // It comes back with the id of the last event that had one, and hears of what still waits.
    await cli.watchStream(() => seen("Early") > 1 && seen("Late") > 1);
    expect([seen("Early"), seen("Late")]).toEqual([2, 2]);
  });

  it("does not hear codes for another machine", async () => {
    const user = await signUpUser();
    const [here, there] = [await loggedIn(user), await loggedIn(user)];
    const bot = await insertBot(user);
    await newCode(user, bot.id, await there.instanceId());
    expect([await here.watchOnce(), await there.watchOnce()]).toEqual([0, 1]);
  });

  it("is told to come back when there is too much to do, and to stop when its token is dead", async () => {
    const user = await signUpUser();
    const full: Env = { ...(env as unknown as Env), MAX_STREAMS_PER_ISOLATE: "0" };
    const response = await handleFetch(new Request(`${BASE_URL}/api/v1/openclaw/events`, { headers: { authorization: `Bearer ${user.accessToken}` } }), full, { waitUntil: () => undefined });
    expect(response.status).toBe(503);

    const cli = await loggedIn(user);
    const tokens = await expectStatus<{ id: string }[]>(200, "GET", "/api/v1/user/cli-tokens", { token: user.accessToken });
    for (const { id } of tokens) await send("DELETE", `/api/v1/user/cli-tokens/${id}`, { token: user.accessToken });
    expect(await cli.watchStream(() => false)).toBe(false);
    expect(cli.opened).toEqual([401]);
    expect(await cli.watchOnce()).toBe(0);
  });

  it("may still say what 0.1.1 said when it registered", async () => {
    const user = await signUpUser();
    const id = uniqueName("openclaw-");
    expect(await api("POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: id, user_id: user.matrixId, label: "den", version: "0.1.1" } })).toMatchObject({ status: 200, body: { instance_id: id } });
  });
});
