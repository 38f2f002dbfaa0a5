import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { addBotToRoom } from "../../src/fleet/bot-rooms/add-bot-to-room";
import { cleanUpRoom } from "../../src/fleet/bot-rooms/clean-up-room";
import { removeBotFromRoom } from "../../src/fleet/bot-rooms/remove-bot-from-room";
import { parkBot, unparkBot } from "../../src/fleet/bots";
import { AppError } from "../../src/kernel/errors/app-error";
import { api, expectStatus, uniqueName } from "../support/client";
import { faults } from "../support/homeserver/client";
import type { FaultKind } from "../support/homeserver/faults.mjs";
import { eventually } from "../support/homeserver/people";
import { bindings, contextAt, roomsOf, settled } from "../support/homeserver/view";
import { registerMachine, StreamClient } from "../support/machines";
import { asPerson, matrixClient, newPerson, newRoom } from "../support/matrix-client";
import { expectRoomsInStep, newRoomBot, ownerCtx, passTime, rowsOf, signUpPerson, type RoomBot } from "../support/homeserver/rooms";

type Owner = Awaited<ReturnType<typeof signUpPerson>>;
const { admin, bots: driver } = matrixClient();

let owner: Owner;
let stranger: Owner;
beforeAll(async () => {
  owner = await signUpPerson();
  stranger = await signUpPerson();
});
beforeEach(() => faults.clear());

const roomPath = (bot: Pick<RoomBot, "id">, roomId: string) => `/api/v1/bots/${bot.id}/rooms/${encodeURIComponent(roomId)}`;
const add = (user: Owner, bot: RoomBot, roomId: string, body?: unknown) => api("POST", roomPath(bot, roomId), { token: user.accessToken, body });
const remove = (user: Owner, bot: RoomBot, roomId: string) => api("DELETE", roomPath(bot, roomId), { token: user.accessToken });
const cleanUp = (roomId: string) => api("DELETE", `/api/v1/bots/rooms/${encodeURIComponent(roomId)}/cleanup`);
const get = (user: Owner, roomId: string, what: string) => api<Record<string, unknown[]>>("GET", `/api/v1/bots/rooms/${encodeURIComponent(roomId)}/${what}`, { token: user.accessToken });
const pathsCalled = async (since = 0): Promise<string[]> => (await faults.calls(since)).calls.map(({ method, path }) => `${method} ${path}`);
const actionsOn = async (id: string): Promise<string[]> =>
  (await bindings.DB.prepare("SELECT action FROM audit_log WHERE subject_id = ? AND (action LIKE 'bot_room.%' OR action LIKE 'room.%') ORDER BY id").bind(id).all<{ action: string }>()).results.map((row) => row.action);

describe("a bot in rooms", () => {
  it("comes in by its owner's invitation, changes its mode, and leaves", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await newRoom(owner.person);
    expect(await add(owner, bot, roomId)).toMatchObject({ status: 201, body: { bot_id: bot.id, room_id: roomId, mode: "auto", added_at: expect.stringMatching(/Z$/) } });
    expect(await expectRoomsInStep(bot)).toEqual([roomId]);

    await faults.clear();
    expect(await add(owner, bot, roomId, { mode: "mention" })).toMatchObject({ status: 201, body: { mode: "mention" } });
    expect(await api("PATCH", `${roomPath(bot, roomId)}/mode`, { token: owner.accessToken, body: { mode: "auto" } })).toMatchObject({ status: 200, body: { mode: "auto" } });
    expect(await api("GET", `/api/v1/bots/${bot.id}/rooms`, { token: owner.accessToken })).toMatchObject({ status: 200, body: [{ room_id: roomId, mode: "auto" }] });
    expect(await pathsCalled()).toEqual([]);

    expect(await remove(owner, bot, roomId)).toMatchObject({ status: 200, body: { success: true } });
    expect(await expectRoomsInStep(bot)).toEqual([]);
    expect(await remove(owner, bot, roomId)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await api("PATCH", `${roomPath(bot, roomId)}/mode`, { token: owner.accessToken, body: { mode: "auto" } })).toMatchObject({ status: 404 });
    expect(await actionsOn(bot.id)).toEqual(["bot_room.add", "bot_room.add", "bot_room.set_mode", "bot_room.remove"]);
  });

  it("needs one call for a public room, and no person's token where another bot of its owner is", async () => {
    const [first, second] = [await newRoomBot(owner), await newRoomBot(owner)];
    const open = await newRoom(owner.person, { preset: "public_chat" });
    await faults.clear();
    await expectStatus(201, "POST", roomPath(first, open), { token: owner.accessToken });
    expect(await pathsCalled()).toEqual(["POST /_matrix/client/v3/join/:roomId"]);

    const roomId = await newRoom(owner.person);
    await expectStatus(201, "POST", roomPath(first, roomId), { token: owner.accessToken });
    await faults.clear();
    await expectStatus(201, "POST", roomPath(second, roomId), { token: owner.accessToken });
    expect(await pathsCalled()).toEqual(["POST /_matrix/client/v3/join/:roomId", "POST /_matrix/client/v3/rooms/:roomId/invite", "POST /_matrix/client/v3/join/:roomId"]);
    await expectRoomsInStep(second);
  });

  it("tells its machine how it answers", async () => {
    const bot = await newRoomBot(owner);
    const machine = await registerMachine(owner);
    await bindings.DB.prepare("UPDATE bots SET instance_id = ? WHERE id = ?").bind(machine, bot.id).run();
    const stream = await StreamClient.open(`/api/v1/openclaw/events?instance_id=${machine}`, owner.accessToken);
    const roomId = await newRoom(owner.person);
    await expectStatus(201, "POST", roomPath(bot, roomId), { token: owner.accessToken, body: { mode: "mention" } });
    expect((await stream.until("bot.room.mode")).data).toEqual({ type: "bot.room.mode", bot_id: bot.id, room_id: roomId, mode: "mention" });
    await expectStatus(200, "PATCH", `${roomPath(bot, roomId)}/mode`, { token: owner.accessToken, body: { mode: "auto" } });
    expect((await stream.until("bot.room.mode")).data).toMatchObject({ mode: "auto" });
    await stream.close();
  });

  it("is refused where its owner may not bring it, and leaves no trace there", async () => {
    const bot = await newRoomBot(owner);
    const theirs = await newRoom(stranger.person);
    const helper = await newRoomBot(stranger);
    await expectStatus(201, "POST", roomPath(helper, theirs), { token: stranger.accessToken });
    // The stranger's bot could invite, but it is not ours to use.
    expect(await add(owner, bot, theirs)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    for (const roomId of [`!${uniqueName("none")}:localhost`, uniqueName("!none"), `#${uniqueName("alias")}:localhost`, "rooms", "!"]) expect(await add(owner, bot, roomId), roomId).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await rowsOf(bot)).toEqual([]);
    for (const [method, path] of [["POST", ""], ["DELETE", ""], ["PATCH", "/mode"]] as const) {
      expect(await api(method, `${roomPath(helper, theirs)}${path}`, { token: owner.accessToken, body: method === "DELETE" ? undefined : { mode: "auto" } })).toMatchObject({ status: 404 });
    }
    expect(await api("GET", `/api/v1/bots/${helper.id}/rooms`, { token: owner.accessToken })).toMatchObject({ status: 404 });
    expect(await add(owner, bot, theirs, { mode: "loud" })).toMatchObject({ status: 422 });
    expect(await add(owner, bot, `!${"x".repeat(255)}`)).toMatchObject({ status: 422 });
    expect(await actionsOn(bot.id)).toEqual([]);
  });

  it("is added once by two who ask at once", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await newRoom(owner.person);
    const answers = await Promise.all([add(owner, bot, roomId), add(owner, bot, roomId), add(owner, bot, roomId)]);
    for (const answer of answers) expect([201, 409]).toContain(answer.status);
    expect(answers.map((answer) => answer.status)).toContain(201);
    expect(await expectRoomsInStep(bot)).toEqual([roomId]);
  });

  it("that its plan does not carry stays out, and may be taken out", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await newRoom(owner.person);
    await expectStatus(201, "POST", roomPath(bot, roomId), { token: owner.accessToken });
    await bindings.DB.prepare("UPDATE bots SET plan_disabled_at = 1 WHERE id = ?").bind(bot.id).run();
    expect(await add(owner, bot, roomId)).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
    expect(await remove(owner, bot, roomId)).toMatchObject({ status: 200 });
    expect(await expectRoomsInStep(bot)).toEqual([]);
  });

  it("finds its rooms again when its plan carries it again, and loses those that let it in no more", async () => {
    const [bot, other] = [await newRoomBot(owner), await newRoomBot(owner)];
    const [byOwner, byBot, gone] = [await newRoom(owner.person), await newRoom(owner.person), await newRoom(stranger.person, { preset: "public_chat" })];
    await expectStatus(201, "POST", roomPath(other, byBot), { token: owner.accessToken });
    for (const roomId of [byOwner, byBot, gone]) await expectStatus(201, "POST", roomPath(bot, roomId), { token: owner.accessToken, body: { mode: "mention" } });
    await asPerson(owner.person, "POST", `/rooms/${encodeURIComponent(byBot)}/leave`, {});
    await asPerson(stranger.person, "PUT", `/rooms/${encodeURIComponent(gone)}/state/m.room.join_rules`, { join_rule: "invite" });
    await parkBot(contextAt(0), owner.userId, bot.id);
    await expect.poll(() => roomsOf(bot.matrixId), { timeout: 10_000 }).toEqual([]);
    await unparkBot(contextAt(0), owner.userId, bot.id);
    await passTime();
    expect(await expectRoomsInStep(bot)).toEqual([byOwner, byBot].sort());
    expect((await rowsOf(bot)).map((row) => row.mode)).toEqual(["mention", "mention"]);
    expect(await actionsOn(bot.id)).toContain("bot_room.lost");
  });

  it("leaves as soon as the homeserver answers: a removal is recorded, not refused", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await newRoom(owner.person);
    await expectStatus(201, "POST", roomPath(bot, roomId), { token: owner.accessToken });
    await faults.arm({ kind: "refuse", times: 1_000 });
    for (let i = 0; i < 2; i++) expect(await remove(owner, bot, roomId)).toMatchObject({ status: 200, body: { success: true, message: expect.stringContaining("as soon as") } });
    await faults.clear();
    expect(await roomsOf(bot.matrixId)).toEqual([roomId]);
    expect((await api("GET", `/api/v1/bots/${bot.id}/rooms`, { token: owner.accessToken })).body).toEqual([]);
    await passTime();
    expect(await expectRoomsInStep(bot)).toEqual([]);
  });
});

describe("looking into a room", () => {
  it("shows members and messages to whoever is in there or has a bot in there", async () => {
    const bot = await newRoomBot(owner, "Digger");
    const roomId = await newRoom(owner.person, { invite: [stranger.matrixId] });
    await expectStatus(201, "POST", roomPath(bot, roomId), { token: owner.accessToken });
    for (const what of ["info", "messages"]) expect(await get(stranger, roomId, what), what).toMatchObject({ status: 404, body: { code: "not_found" } });
    await asPerson(stranger.person, "POST", `/join/${encodeURIComponent(roomId)}`, {});
    for (const text of ["one", "two"]) await asPerson(owner.person, "PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${uniqueName("t")}`, { msgtype: "m.text", body: text });
    await driver.send(bot.matrixId, roomId, uniqueName("t"), { msgtype: "m.text", body: "three" });

    const { status, body } = await get(owner, roomId, "info");
    expect(status).toBe(200);
    expect(body["bots"]).toEqual([{ user_id: bot.matrixId, display_name: "Digger", is_bot: true, is_own: true }]);
    expect(body["humans"]).toEqual(expect.arrayContaining([expect.objectContaining({ user_id: owner.matrixId, is_bot: false, is_own: true }), expect.objectContaining({ user_id: stranger.matrixId, is_own: false })]));
    expect(body["members"]).toHaveLength(3);
    expect((await get(owner, roomId, "messages?limit=2")).body).toMatchObject({
      room_id: roomId,
      messages: [
        { sender: bot.matrixId, body: "three", is_bot: true, type: "m.room.message", ts: expect.any(Number), event_id: expect.stringMatching(/^\$/) },
        { sender: owner.matrixId, body: "two", is_bot: false },
      ],
    });
    expect((await get(stranger, roomId, "info")).body["bots"]).toMatchObject([{ user_id: bot.matrixId, is_own: false }]);
    expect((await get(stranger, roomId, "messages")).body["messages"]).toHaveLength(3);
    for (const limit of ["0", "101", "x"]) expect(await get(owner, roomId, `messages?limit=${limit}`)).toMatchObject({ status: 422 });

    // Who came later may not look back here.
    await asPerson(owner.person, "PUT", `/rooms/${encodeURIComponent(roomId)}/state/m.room.history_visibility`, { history_visibility: "joined" });
    expect(await get(stranger, roomId, "messages")).toMatchObject({ status: 404 });
    expect((await get(owner, roomId, "messages")).status).toBe(200);
    expect(await get(owner, `!${uniqueName("none")}:localhost`, "info")).toMatchObject({ status: 404 });
    await faults.arm({ kind: "refuse", times: 1_000 });
    expect(await get(owner, roomId, "messages")).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
  });

  it("works for a bot that came in without us, and shows encrypted messages without a text", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await newRoom(stranger.person, { invite: [bot.matrixId] });
    await driver.join(bot.matrixId, roomId);
    await asPerson(stranger.person, "PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/${uniqueName("t")}`, { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x" });
    expect((await get(owner, roomId, "info")).body["bots"]).toMatchObject([{ user_id: bot.matrixId, is_own: true }]);
    expect((await get(owner, roomId, "messages")).body["messages"]).toMatchObject([{ type: "m.room.encrypted", body: null, sender: stranger.matrixId }]);
  });
});

describe("a room that people left", () => {
  const roomOf = async (...bots: RoomBot[]): Promise<string> => {
    const roomId = await newRoom(owner.person);
    for (const bot of bots) await expectStatus(201, "POST", roomPath(bot, roomId), { token: owner.accessToken });
    return roomId;
  };
  const ownerLeaves = (roomId: string) => asPerson(owner.person, "POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});

  it("is deleted when anybody asks, and only then", async () => {
    const [one, two] = [await newRoomBot(owner), await newRoomBot(owner)];
    const roomId = await roomOf(one, two);
    const unknown = await newRoom(owner.person);
    expect(await cleanUp(unknown)).toMatchObject({ status: 200, body: { success: true, deleted: false, reason: "not_managed" } });
    expect(await cleanUp(roomId)).toMatchObject({ status: 200, body: { success: true, deleted: false, reason: "humans_present" } });
    expect(await roomsOf(one.matrixId)).toEqual([roomId]);
    await ownerLeaves(roomId);
    expect(await cleanUp(roomId)).toMatchObject({ status: 200, body: { success: true, deleted: true } });
    expect(await cleanUp(roomId)).toMatchObject({ status: 200, body: { success: true, deleted: false, reason: "not_managed" } });
    await expect.poll(() => admin.findRoom(roomId), { timeout: 10_000 }).toBeNull();
    expect([await expectRoomsInStep(one), await expectRoomsInStep(two)]).toEqual([[], []]);
    await expectNoCleanups();
    expect(await actionsOn(roomId)).toEqual(["room.clean_up"]);
  });

  it("stays while somebody is invited, and when a person came back before the reconciler", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await roomOf(bot);
    const guest = await newPerson();
    await asPerson(owner.person, "POST", `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: guest.userId });
    await ownerLeaves(roomId);
    expect(await cleanUp(roomId)).toMatchObject({ status: 200, body: { deleted: false, reason: "humans_present" } });
    await bindings.DB.prepare("INSERT INTO room_cleanups (room_id, settle_at, created_at, updated_at) VALUES (?, 0, 0, 0)").bind(roomId).run();
    await asPerson(guest, "POST", `/join/${encodeURIComponent(roomId)}`, {});
    await passTime();
    expect(await expectRoomsInStep(bot)).toEqual([roomId]);
    await expectNoCleanups();
  });

  it("is deleted again when the homeserver promised it and did not do it", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await roomOf(bot);
    await ownerLeaves(roomId);
    const forgetful = contextAt(0);
    const { matrix } = forgetful.services;
    if (!matrix?.admin) throw new Error("no homeserver");
    const promises = { ...matrix, admin: { ...matrix.admin, deleteRoom: () => Promise.resolve("promised") } };
    expect(await cleanUpRoom({ ...forgetful, services: { ...forgetful.services, matrix: promises } }, roomId)).toMatchObject({ deleted: true });
    expect(await roomsOf(bot.matrixId)).toEqual([roomId]);
    await expectNoCleanups();
    expect([await admin.findRoom(roomId), await expectRoomsInStep(bot)]).toEqual([null, []]);
  });

  it("that is gone already is forgotten", async () => {
    const bot = await newRoomBot(owner);
    const roomId = await roomOf(bot);
    await admin.deleteRoom(roomId, { block: false, purge: true });
    await expect.poll(() => admin.findRoom(roomId), { timeout: 10_000 }).toBeNull();
    expect(await cleanUp(roomId)).toMatchObject({ status: 200, body: { deleted: false, reason: "room_gone" } });
    expect(await rowsOf(bot)).toEqual([]);
  });
});

/** Every room that was to be deleted is gone. */
async function expectNoCleanups(): Promise<void> {
  await eventually(async () => {
    await passTime();
    return (await bindings.DB.prepare("SELECT count(*) AS n FROM room_cleanups").first<number>("n")) === 0;
  });
}

const KINDS: readonly FaultKind[] = ["refuse", "lose_answer", "status_500", "status_500_after", "status_429", "hang", "garbage"];

/** Ways through, each with what makes it ready to begin and what must be true in the end if it was answered with success. */
const SAGAS: readonly { readonly name: string; readonly begin: () => Promise<{ readonly bots: readonly RoomBot[]; readonly roomId: string; readonly run: () => Promise<unknown>; readonly inThere: boolean; readonly ends?: true }> }[] = [
  {
    name: "add, invited by its owner",
    begin: async () => {
      const [bot, roomId] = [await newRoomBot(owner), await newRoom(owner.person)];
      return { bots: [bot], roomId, run: () => addBotToRoom(ownerCtx(owner), bot.id, roomId, "auto"), inThere: true };
    },
  },
  {
    name: "add, invited by a bot",
    begin: async () => {
      const [bot, other, roomId] = [await newRoomBot(owner), await newRoomBot(owner), await newRoom(owner.person)];
      await addBotToRoom(ownerCtx(owner), other.id, roomId, "auto");
      return { bots: [bot], roomId, run: () => addBotToRoom(ownerCtx(owner), bot.id, roomId, "auto"), inThere: true };
    },
  },
  {
    name: "remove",
    begin: async () => {
      const [bot, roomId] = [await newRoomBot(owner), await newRoom(owner.person)];
      await addBotToRoom(ownerCtx(owner), bot.id, roomId, "auto");
      return { bots: [bot], roomId, run: () => removeBotFromRoom(ownerCtx(owner), bot.id, roomId), inThere: false };
    },
  },
  {
    name: "clean up",
    begin: async () => {
      const [one, two, roomId] = [await newRoomBot(owner), await newRoomBot(owner), await newRoom(owner.person)];
      for (const bot of [one, two]) await addBotToRoom(ownerCtx(owner), bot.id, roomId, "auto");
      await asPerson(owner.person, "POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
      return { bots: [one, two], roomId, run: () => cleanUpRoom(contextAt(0), roomId), inThere: false, ends: true };
    },
  },
];

describe("a homeserver that fails in the middle", () => {
  const attempt = async (run: () => Promise<unknown>): Promise<boolean> => {
    try {
      await run();
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect([502, 503]).toContain((error as AppError).status);
      return false;
    } finally {
      await settled();
    }
  };

  it.each(SAGAS.flatMap((saga) => [...KINDS, "down" as const].map((kind) => [saga.name, kind, saga] as const)))(
    "%s, %s: rows and rooms agree in the end, whichever call fails",
    async (_, kind, saga) => {
      const sound = await saga.begin();
      await faults.clear();
      expect(await attempt(sound.run)).toBe(true);
      const count = (await faults.calls()).calls.length;
      expect(count).toBeGreaterThan(0);
      for (let nth = 0; nth < count; nth++) {
        const { bots, roomId, run, inThere, ends } = await saga.begin();
        await faults.clear();
        await faults.arm(kind === "down" ? { kind: "refuse", nth, times: 1_000 } : { kind, nth });
        const succeeded = await attempt(run);
        await faults.clear();
        await passTime();
        // A homeserver deletes in its own time.
        if (ends) await expectNoCleanups();
        for (const bot of bots) {
          const rooms = await expectRoomsInStep(bot);
          if (succeeded) expect(rooms, `call ${nth}`).toEqual(inThere ? [roomId] : []);
        }
      }
    },
    120_000,
  );

  it("a saga that died is undone once its lease is over, and its bot may be added again", async () => {
    const [bot, roomId] = [await newRoomBot(owner), await newRoom(owner.person, { preset: "public_chat" })];
    const row = (state: string, settleAt: number) =>
      bindings.DB.prepare("INSERT OR REPLACE INTO bot_rooms (tenant_id, bot_id, room_id, mode, state, settle_at, created_at, updated_at) VALUES (?, ?, ?, 'auto', ?, ?, 0, ?)").bind(owner.userId, bot.id, roomId, state, settleAt, Date.now()).run();
    await row("joining", Date.now() + 60_000);
    await driver.join(bot.matrixId, roomId);
    expect(await add(owner, bot, roomId)).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await remove(owner, bot, roomId)).toMatchObject({ status: 409 });
    await passTime();
    expect(await expectRoomsInStep(bot)).toEqual([]);
    await row("joining", Date.now() - 1);
    expect(await add(owner, bot, roomId)).toMatchObject({ status: 201 });
    expect(await expectRoomsInStep(bot)).toEqual([roomId]);
  });

  it("a join that took effect after we gave it up is undone all the same", async () => {
    const [bot, roomId] = [await newRoomBot(owner), await newRoom(owner.person, { preset: "public_chat" })];
    await faults.arm({ kind: "refuse", match: "join" });
    expect(await attempt(() => addBotToRoom(ownerCtx(owner), bot.id, roomId, "auto"))).toBe(false);
    expect(await rowsOf(bot)).toMatchObject([{ state: "leaving" }]);
    await driver.join(bot.matrixId, roomId);
    await passTime();
    expect(await expectRoomsInStep(bot)).toEqual([]);
  });
});
