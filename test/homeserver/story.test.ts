import { expect, it } from "vitest";
import { parkBot, unparkBot } from "../../src/fleet/bots";
import { expireSharesJob } from "../../src/fleet/bot-shares";
import { api, expectStatus, uniqueName, type TestUser } from "../support/client";
import { faults } from "../support/homeserver/client";
import { signUpPerson } from "../support/homeserver/rooms";
import { accountOf, bindings, contextAt, roomsOf, settled, whoIs } from "../support/homeserver/view";
import { beat, registerMachine, StreamClient } from "../support/machines";
import { asPerson, newRoom } from "../support/matrix-client";

interface Bot {
  readonly id: string;
  readonly bot_user_id: string;
  readonly access_token: string;
}
interface Credentials {
  readonly access_token: string;
  readonly device_id: string;
}

const HOUR_MS = 3_600_000;
const post = <T>(user: TestUser, path: string, body?: unknown, status = 200) => expectStatus<T>(status, "POST", path, { token: user.accessToken, body });
const status = (user: TestUser, bot: Bot) => expectStatus<{ pairingPhase: string | null; pairingSessionId: string | null; failureReason: string | null }>(200, "GET", `/api/v1/dashboard/bots/${bot.id}/status`, { token: user.accessToken });
const running = (bot: Bot, more: Record<string, unknown> = {}) => ({ gateway_status: "running", bots: [{ bot_id: bot.id, status: "running", activity_state: "idle", ...more }] });

/** Says something as a bot with the token that its machine was given. */
async function say(token: string, roomId: string, body: string): Promise<number> {
  const response = await fetch(`${bindings.MATRIX_BASE_URL}/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${uniqueName("t")}`, { method: "PUT", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ msgtype: "m.text", body }) });
  await response.arrayBuffer();
  return response.status;
}

async function pairOn(user: TestUser, bot: Bot, machine: string): Promise<Credentials> {
  const { code } = await post<{ code: string }>(user, "/api/v1/pairing/create", { bot_id: bot.id, target_instance_id: machine });
  const credentials = await expectStatus<Credentials>(200, "POST", "/api/v1/pairing/redeem", { body: { code, instance_id: machine } });
  await expectStatus(204, "POST", `/api/v1/openclaw/pending-pairs/${code}/claim`, { token: user.accessToken });
  return credentials;
}

it("a bot's whole story: from its creation over two machines, rooms, shares and a lost plan to its end and its return", async () => {
  await faults.clear();
  const owner = await signUpPerson();
  const friend = await signUpPerson();
  const [den, attic] = [await registerMachine(owner), await registerMachine(owner)];

  // Created, and on its first machine.
  const username = uniqueName("b").slice(0, 18);
  const rocky = await post<Bot>(owner, "/api/v1/bots", { bot_name: "Rocky", bot_username: username }, 201);
  const stream = await StreamClient.open(`/api/v1/openclaw/events?instance_id=${den}`, owner.accessToken);
  const first = await pairOn(owner, rocky, den);
  expect((await stream.until("pair")).data).toMatchObject({ bot_user_id: rocky.bot_user_id, target_instance_id: den });
  expect(await whoIs(first.access_token)).toBe(rocky.bot_user_id);
  expect((await status(owner, rocky)).pairingPhase).toBe("connecting");
  await beat(owner.accessToken, den, running(rocky));
  expect((await status(owner, rocky)).pairingPhase).toBe("live");

  // On its second machine: the first one loses access, and its refresh does not bring it back.
  const second = await pairOn(owner, rocky, attic);
  expect([await whoIs(first.access_token), await whoIs(second.access_token)]).toEqual([null, rocky.bot_user_id]);
  expect(await api("POST", `/api/v1/bots/${rocky.id}/refresh-matrix-token`, { token: owner.accessToken, body: { device_id: first.device_id } })).toMatchObject({ status: 409, body: { code: "device_mismatch" } });
  await beat(owner.accessToken, attic, running(rocky));
  await beat(owner.accessToken, den, running(rocky));
  const machine = async (id: string) => (await expectStatus<{ bots: { botId: string }[] }>(200, "GET", `/api/v1/dashboard/machines/${id}`, { token: owner.accessToken })).bots.map(({ botId }) => botId);
  expect([await machine(den), await machine(attic)]).toEqual([[], [rocky.id]]);

  // Broken there, and repaired by a command.
  await beat(owner.accessToken, attic, running(rocky, { status: "error", last_error: "M_UNKNOWN_TOKEN" }));
  const broken = await status(owner, rocky);
  expect(broken.pairingPhase).toBe("degraded");
  const repair = await post<{ command_id: string }>(owner, `/api/v1/pairing/sessions/${broken.pairingSessionId}/repair`);
  expect((await status(owner, rocky)).pairingPhase).toBe("repairing");
  const { pending_commands: commands } = await beat(owner.accessToken, attic, running(rocky, { status: "error" }));
  expect(commands).toContainEqual(expect.objectContaining({ id: repair.command_id, command_type: "bot_refresh" }));
  const refreshed = await post<Credentials>(owner, `/api/v1/bots/${rocky.id}/refresh-matrix-token`, { device_id: second.device_id });
  await post(owner, `/api/v1/dashboard/commands/${repair.command_id}/result`, { status: "success", result: "refreshed" });
  expect((await status(owner, rocky)).pairingPhase).toBe("live");

  // In a room with its person.
  const roomId = await newRoom(owner.person);
  await post(owner, `/api/v1/bots/${rocky.id}/rooms/${encodeURIComponent(roomId)}`, { mode: "mention" }, 201);
  expect(await say(refreshed.access_token, roomId, "Hello, I dig.")).toBe(200);
  const heard = await expectStatus<{ messages: { sender: string; body: string }[] }>(200, "GET", `/api/v1/bots/rooms/${encodeURIComponent(roomId)}/messages`, { token: owner.accessToken });
  expect(heard.messages[0]).toMatchObject({ sender: rocky.bot_user_id, body: "Hello, I dig." });

  // Shared for an hour, which ends.
  const share = await post<{ id: number }>(owner, `/api/v1/bots/${rocky.id}/shares`, { shared_with_user_id: friend.matrixId, expires_at: new Date(Date.now() + HOUR_MS).toISOString() }, 201);
  const sharedWithFriend = () => expectStatus<{ bot_id: string }[]>(200, "GET", "/api/v1/me/shared-bots", { token: friend.accessToken });
  expect((await sharedWithFriend()).length).toBe(1);
  await bindings.DB.prepare("UPDATE bot_shares SET expires_at = ? WHERE id = ?").bind(Date.now() - 1, share.id).run();
  expect(await sharedWithFriend()).toEqual([]);
  await expireSharesJob(contextAt(0), owner.userId);
  await settled();
  const told = (await beat(owner.accessToken, attic, running(rocky))).pending_commands.map(({ command_type: type }) => type);
  expect(told).toEqual(expect.arrayContaining(["bot_share_notify", "bot_share_revoked"]));

  // A group with the friend's bot, which the friend shares in turn.
  const digger = await post<Bot>(friend, "/api/v1/bots", { bot_name: "Digger", bot_username: uniqueName("b").slice(0, 18) }, 201);
  await post(friend, `/api/v1/bots/${digger.id}/shares`, { shared_with_user_id: owner.matrixId }, 201);
  const group = await post<{ success: boolean; room_id: string; event_id: string }>(owner, "/api/v1/bots/cross-bot/group-chat", { from_bot_user_id: rocky.bot_user_id, to_bot_user_id: digger.bot_user_id, question: "Who digs deeper?" });
  expect(group.success).toBe(true);
  await asPerson(owner.person, "POST", `/join/${encodeURIComponent(group.room_id)}`, {});
  expect(await say(digger.access_token, group.room_id, "I do.")).toBe(200);
  const reply = await expectStatus(200, "GET", `/api/v1/bots/cross-bot/poll-response/${encodeURIComponent(group.room_id)}?target_bot_user_id=${encodeURIComponent(digger.bot_user_id)}`, { token: owner.accessToken });
  expect(reply).toMatchObject({ found: true, body: "I do." });

  // Its owner's plan carries it no more, and does again.
  await parkBot(contextAt(0), owner.userId, rocky.id);
  await settled();
  expect([(await accountOf(rocky.bot_user_id))?.deactivated, await whoIs(refreshed.access_token)]).toEqual([true, null]);
  expect(await api("POST", "/api/v1/pairing/create", { token: owner.accessToken, body: { bot_id: rocky.id } })).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
  await unparkBot(contextAt(0), owner.userId, rocky.id);
  await settled();
  expect((await accountOf(rocky.bot_user_id))?.deactivated).toBe(false);
  await expect.poll(async () => (await roomsOf(rocky.bot_user_id)).includes(roomId), { timeout: 10_000 }).toBe(true);
  const [waiting] = await expectStatus<{ pair_code: string; bot_user_id: string }[]>(200, "GET", "/api/v1/openclaw/pending-pairs", { token: owner.accessToken });
  expect(waiting?.bot_user_id).toBe(rocky.bot_user_id);
  const third = await expectStatus<Credentials>(200, "POST", "/api/v1/pairing/redeem", { body: { code: waiting?.pair_code, instance_id: attic } });
  expect(await say(third.access_token, roomId, "I am back.")).toBe(200);

  // Deleted; its name is its owner's, also after the homeserver erased the account for good.
  await expectStatus(200, "DELETE", `/api/v1/bots/${rocky.id}`, { token: owner.accessToken });
  expect([(await accountOf(rocky.bot_user_id))?.deactivated, await whoIs(third.access_token)]).toEqual([true, null]);
  expect(await machine(attic)).toEqual([]);
  const reclaimed = await post<Bot>(owner, "/api/v1/bots", { bot_name: "Rocky the Second", bot_username: username }, 201);
  expect(await whoIs(reclaimed.access_token)).toBe(rocky.bot_user_id);
  await bindings.DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(friend.userId).run();
  await expectStatus(200, "DELETE", `/api/v1/bots/${reclaimed.id}`, { token: owner.accessToken });
  await post(friend, `/api/v1/admin/matrix/users/${encodeURIComponent(rocky.bot_user_id)}/deactivate`, { erase: true });
  expect(await api("POST", "/api/v1/bots", { token: friend.accessToken, body: { bot_name: "Thief", bot_username: username } })).toMatchObject({ status: 409, body: { code: "bot_name_taken" } });
  const last = await post<Bot>(owner, "/api/v1/bots", { bot_name: "Rocky the Third", bot_username: username }, 201);
  expect(await whoIs(last.access_token)).toBe(rocky.bot_user_id);
  expect((await accountOf(rocky.bot_user_id))?.displayName).toBe("Rocky the Third");
  await stream.close();
}, 60_000);
