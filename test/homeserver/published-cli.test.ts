import { describe, expect, it } from "vitest";
import { expectStatus, signUpUser, uniqueName, type TestUser } from "../support/client";
import { bindings, devicesOf, whoIs } from "../support/homeserver/view";
import { setTrialEnd } from "../support/plans";
import { confirmAs, PublishedCli } from "../support/published-cli";

const newName = () => uniqueName("r").slice(0, 18);
const newCode = (user: TestUser, botId: string) => expectStatus(200, "POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: botId } });
const botNamed = async (user: TestUser, name: string) => {
  const { bots } = await expectStatus<{ bots: { id: string; username: string; bot_user_id: string; openclaw_connected: boolean }[] }>(200, "GET", "/api/v1/openclaw/bots", { token: user.accessToken });
  const bot = bots.find(({ username }) => username === `${name}_bot`);
  if (!bot) throw new Error(`there is no bot ${name}`);
  return bot;
};

describe("the published command line, beside a homeserver", () => {
  it("logs in, makes a bot, pairs it by its stream, pairs it again by its list, deletes it, logs out", async () => {
    const user = await signUpUser();
    const cli = new PublishedCli();
    await cli.login(confirmAs(user));
    const name = newName();
    expect(await cli.createBot(name)).toBe(true);
    expect(await cli.listBots()).toEqual([{ name, active: true }]);
    const bot = await botNamed(user, name);

    let asked = false;
    await cli.watchStream(() => {
      if (!asked) {
        asked = true;
        void newCode(user, bot.id);
      }
      return cli.accounts.has(name);
    });
    const account = cli.accounts.get(name);
    expect(account).toEqual({ userId: bot.bot_user_id, homeserver: bindings.MATRIX_BASE_URL, accessToken: expect.any(String), encryption: true, deviceId: expect.any(String) });
    expect(await whoIs(account?.accessToken ?? "")).toBe(bot.bot_user_id);
    expect(await devicesOf(bot.bot_user_id)).toEqual([account?.deviceId]);
    expect((await botNamed(user, name)).openclaw_connected).toBe(true);
    const pairing = () => bindings.DB.prepare("SELECT instance_id, claimed_at FROM pairings WHERE bot_id = ? AND status = 'redeemed'").bind(bot.id).first<{ instance_id: string; claimed_at: number }>();
    expect(await pairing()).toEqual({ instance_id: await cli.instanceId(), claimed_at: expect.any(Number) });
    // What was redeemed has vanished: the next round finds nothing to do.
    expect(await cli.watchOnce()).toBe(0);

    await newCode(user, bot.id);
    expect(await cli.watchOnce()).toBe(1);
    expect(await cli.watchOnce()).toBe(0);
    expect(cli.accounts.get(name)).toEqual(account);
    expect(cli.printed.slice(1)).toEqual([`Paired ${name}`, `Paired ${name}`]);

    expect(await cli.deleteBot(name)).toBe(true);
    expect(await cli.listBots()).toEqual([]);
    expect(await whoIs(account?.accessToken ?? "")).toBeNull();
    await cli.logout();
    expect(await expectStatus(200, "GET", `/api/v1/dashboard/machines/${await cli.instanceId()}`, { token: user.accessToken })).toMatchObject({ isOnline: false, bots: [] });
  });

  it("reads why a bot is not made: a taken name, a full plan", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    const [cli, theirs] = [new PublishedCli(), new PublishedCli()];
    await cli.login(confirmAs(user));
    await theirs.login(confirmAs(other));
    const name = newName();
    expect(await theirs.createBot(name)).toBe(true);
    expect(await cli.createBot(name)).toBe(false);
    expect(cli.printed.at(-1)).toBe("Error: This bot name is taken.");
    await setTrialEnd(user, 0);
    for (let n = 0; n < 2; n++) expect(await cli.createBot(newName())).toBe(true);
    expect(await cli.createBot(newName())).toBe(false);
    expect(cli.printed.at(-1)).toMatch(/^Error: Your plan allows 2 bots/);
  });

  it("loses a bot that is paired on another machine, and must be told which one when the owner has several", async () => {
    const user = await signUpUser();
    const [here, there] = [new PublishedCli(), new PublishedCli("0.1.7")];
    await here.login(confirmAs(user));
    const name = newName();
    await here.createBot(name);
    const bot = await botNamed(user, name);
    await newCode(user, bot.id);
    expect(await here.watchOnce()).toBe(1);
    const old = here.accounts.get(name);
    await there.login(confirmAs(user));
    // Nobody said for which machine, and the published one cannot say which it is.
    await newCode(user, bot.id);
    await there.watchOnce();
    expect(there.printed.at(-1)).toMatch(/^Failed to pair .+: .*instance_id/);
    await expectStatus(200, "POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: bot.id, target_instance_id: await there.instanceId() } });
    expect([await here.watchOnce(), await there.watchOnce()]).toEqual([0, 1]);
    expect(await whoIs(old?.accessToken ?? "")).toBeNull();
    expect(await whoIs(there.accounts.get(name)?.accessToken ?? "")).toBe(bot.bot_user_id);
  });
});
