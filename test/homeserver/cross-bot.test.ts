import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { settleGroup } from "../../src/fleet/cross-bot";
import { createGroup, type NewGroup } from "../../src/fleet/cross-bot/create-group";
import { AppError } from "../../src/kernel/errors/app-error";
import { api, expectStatus, mintToken, uniqueName } from "../support/client";
import { faults } from "../support/homeserver/client";
import type { FaultKind } from "../support/homeserver/faults.mjs";
import { expectRoomsInStep, newRoomBot, ownerCtx, passTime, rowsOf, signUpPerson, type RoomBot } from "../support/homeserver/rooms";
import { bindings, contextAt, roomsOf, settled } from "../support/homeserver/view";
import { asPerson, matrixClient, newPerson, newRoom } from "../support/matrix-client";

type Owner = Awaited<ReturnType<typeof signUpPerson>>;
const { admin, bots: driver } = matrixClient();

let owner: Owner;
let stranger: Owner;
let rocky: RoomBot;
let digger: RoomBot;
let theirs: RoomBot;
beforeAll(async () => {
  [owner, stranger] = [await signUpPerson(), await signUpPerson()];
  [rocky, digger, theirs] = [await newRoomBot(owner), await newRoomBot(owner, 'Dig & "Co"'), await newRoomBot(stranger)];
});
beforeEach(() => faults.clear());

const share = (bot: RoomBot, by: Owner, recipient: Owner, expiresAt: number | null = null) =>
  bindings.DB.prepare("INSERT INTO bot_shares (tenant_id, bot_id, recipient_id, recipient_matrix_id, expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 0, 0)").bind(by.userId, bot.id, recipient.userId, recipient.matrixId, expiresAt).run();
const unshare = (bot: RoomBot) => bindings.DB.prepare("DELETE FROM bot_shares WHERE bot_id = ?").bind(bot.id).run();
const park = (bot: RoomBot, at: number | null) => bindings.DB.prepare("UPDATE bots SET plan_disabled_at = ? WHERE id = ?").bind(at, bot.id).run();

interface Answer {
  readonly success: boolean;
  readonly room_id: string;
  readonly event_id: string;
  readonly message: string | null;
  readonly code: string;
}
const sendTo = (user: Owner, from: RoomBot, to: { readonly matrixId: string }, more: Record<string, unknown> = {}, headers?: Record<string, string>) =>
  api<Answer>("POST", "/api/v1/bots/cross-bot/send", { token: user.accessToken, headers, body: { from_bot_user_id: from.matrixId, to_bot_user_id: to.matrixId, message: "What is <b>new</b>?", ...more } });
const group = (user: Owner, from: RoomBot, body: Record<string, unknown>, headers?: Record<string, string>) =>
  api<Answer & { readonly event_ids: Record<string, string>; readonly target_bot_user_ids: string[]; readonly detail: unknown }>("POST", "/api/v1/bots/cross-bot/group-chat", { token: user.accessToken, headers, body: { from_bot_user_id: from.matrixId, question: "Who digs?", ...body } });
const poll = (user: Owner, roomId: string, target: string, after?: number) =>
  api("GET", `/api/v1/bots/cross-bot/poll-response/${encodeURIComponent(roomId)}?target_bot_user_id=${encodeURIComponent(target)}${after === undefined ? "" : `&after_ts=${after}`}`, { token: user.accessToken });
const addTo = (user: Owner, bot: RoomBot, roomId: string) => expectStatus(201, "POST", `/api/v1/bots/${bot.id}/rooms/${encodeURIComponent(roomId)}`, { token: user.accessToken });
const messages = async (bot: RoomBot, roomId: string) => (await driver.listMessages(bot.matrixId, roomId, 50)) ?? [];

describe("a bot that speaks to another", () => {
  it("mentions it in the room that both are in, once for one Idempotency-Key", async () => {
    const [from, to] = [await newRoomBot(owner), await newRoomBot(owner, 'Dig & "Co"')];
    expect(await sendTo(owner, from, to)).toMatchObject({ status: 200, body: { success: false, message: expect.any(String) } });
    const roomId = await newRoom(owner.person);
    await addTo(owner, from, roomId);
    expect((await sendTo(owner, from, to)).body.success).toBe(false);
    expect((await sendTo(owner, from, to, { room_id: roomId })).body.success).toBe(false);
    await addTo(owner, to, roomId);
    const key = { "idempotency-key": uniqueName("key") };
    const first = await sendTo(owner, from, to, {}, key);
    expect(first).toMatchObject({ status: 200, body: { success: true, room_id: roomId, event_id: expect.stringMatching(/^\$/) } });
    expect((await sendTo(owner, from, to, {}, key)).body.event_id).toBe(first.body.event_id);
    expect((await sendTo(owner, from, to, { room_id: roomId })).body.event_id).not.toBe(first.body.event_id);
    const said = await messages(to, roomId);
    expect(said).toHaveLength(2);
    expect(said[1]).toMatchObject({ eventId: first.body.event_id, sender: from.matrixId, body: `${to.matrixId}: What is <b>new</b>?` });
    expect(said[1]?.content).toMatchObject({
      "m.mentions": { user_ids: [to.matrixId] },
      formatted_body: `<a href="https://matrix.to/#/${encodeURIComponent(to.matrixId)}">Dig &amp; &quot;Co&quot;</a>: What is &lt;b&gt;new&lt;/b&gt;?`,
    });
  });

  it("reaches its owner's bots, shared ones, and whom it shares a room with; nobody else's", async () => {
    const from = await newRoomBot(owner);
    expect(await sendTo(owner, theirs, rocky)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await sendTo(owner, from, theirs)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await sendTo(owner, from, { matrixId: "@nobody_bot:localhost" })).toMatchObject({ status: 404 });
    const roomId = await newRoom(owner.person);
    await addTo(owner, from, roomId);
    expect(await sendTo(owner, from, theirs, { room_id: roomId })).toMatchObject({ status: 404 });
    await share(theirs, stranger, owner);
    expect(await sendTo(owner, from, theirs)).toMatchObject({ status: 200, body: { success: false } });
    await unshare(theirs);
    await asPerson(owner.person, "POST", `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: theirs.matrixId });
    await driver.join(theirs.matrixId, roomId);
    expect(await sendTo(owner, from, theirs)).toMatchObject({ status: 200, body: { success: true, room_id: roomId } });
    expect(await sendTo(owner, from, theirs, { room_id: roomId })).toMatchObject({ status: 200, body: { success: true } });
    const elsewhere = await newRoom(owner.person);
    expect(await sendTo(owner, from, rocky, { room_id: elsewhere })).toMatchObject({ status: 200, body: { success: false } });
    await driver.leave(theirs.matrixId, roomId);
  });

  it("does not, when a plan carries one of them no more, or the homeserver is away", async () => {
    const [from, to, roomId] = [await newRoomBot(owner), await newRoomBot(owner), await newRoom(owner.person)];
    for (const bot of [from, to]) await addTo(owner, bot, roomId);
    for (const bot of [from, to]) {
      await park(bot, 1);
      expect(await sendTo(owner, from, to)).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
      expect(await group(owner, from, { to_bot_user_id: to.matrixId })).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
      await park(bot, null);
    }
    await faults.arm({ kind: "lose_answer", match: "/send/" });
    const key = { "idempotency-key": uniqueName("key") };
    expect(await sendTo(owner, from, to, {}, key)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect((await sendTo(owner, from, to, {}, key)).body.success).toBe(true);
    expect(await messages(to, roomId)).toHaveLength(1);
  });
});

describe("a group of a person and bots", () => {
  it("is one room in which the first asks all others, and their answers can be polled", async () => {
    const [from, one, two] = [await newRoomBot(owner, "Ada"), await newRoomBot(owner), await newRoomBot(stranger)];
    await share(two, stranger, owner);
    const key = { "idempotency-key": uniqueName("key") };
    const body = { to_bot_user_id: one.matrixId, to_bot_user_ids: [two.matrixId, one.matrixId], user_id: "" };
    const { status, body: made } = await group(owner, from, body, key);
    expect(status, JSON.stringify(made)).toBe(200);
    expect(made).toMatchObject({ success: true, target_bot_user_ids: [one.matrixId, two.matrixId], event_ids: { [one.matrixId]: made.event_id, [two.matrixId]: made.event_id } });
    expect((await group(owner, from, body, key)).body.room_id).toBe(made.room_id);
    for (const bot of [from, one, two]) expect(await expectRoomsInStep(bot)).toEqual([made.room_id]);
    expect((await rowsOf(one))[0]).toMatchObject({ mode: "mention" });
    expect((await admin.findRoom(made.room_id))?.name).toContain("Ada");
    // Only bots are in it, but it waits for its person: nobody may have it cleaned up.
    expect(await api("DELETE", `/api/v1/bots/rooms/${encodeURIComponent(made.room_id)}/cleanup`)).toMatchObject({ status: 200, body: { deleted: false, reason: "humans_present" } });
    await asPerson(owner.person, "POST", `/join/${encodeURIComponent(made.room_id)}`, {});

    const [question] = await messages(one, made.room_id);
    expect(question).toMatchObject({ eventId: made.event_id, sender: from.matrixId });
    expect(question?.content["m.mentions"]).toEqual({ user_ids: [one.matrixId, two.matrixId] });
    const asked = question?.sentAt ?? 0;
    expect(await poll(owner, made.room_id, one.matrixId, asked)).toMatchObject({ status: 200, body: { found: false } });
    for (const text of ["I do.", "And you?"]) await driver.send(one.matrixId, made.room_id, uniqueName("t"), { msgtype: "m.text", body: text });
    const { token } = await mintToken(owner);
    expect(await api("GET", `/api/v1/bots/cross-bot/poll-response/${encodeURIComponent(made.room_id)}?target_bot_user_id=${encodeURIComponent(one.matrixId)}`, { token })).toMatchObject({
      status: 200,
      body: { found: true, body: "I do.", message: "I do.", event_id: expect.stringMatching(/^\$/), ts: expect.any(Number) },
    });
    const [last] = await messages(one, made.room_id);
    expect(await poll(owner, made.room_id, one.matrixId, last?.sentAt)).toMatchObject({ body: { found: false } });
    expect(await poll(owner, made.room_id, two.matrixId)).toMatchObject({ body: { found: false } });
    const third = await signUpPerson();
    expect(await poll(third, made.room_id, one.matrixId)).toMatchObject({ status: 404 });
    expect(await poll(owner, made.room_id, one.matrixId, -1)).toMatchObject({ status: 422 });
    expect(await bindings.DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action = 'bot_group.create' AND subject_id = ? AND tenant_id = ?").bind(made.room_id, owner.userId).first("n")).toBe(1);
    expect(await bindings.DB.prepare("SELECT state, settle_at FROM bot_groups WHERE room_id = ?").bind(made.room_id).first()).toEqual({ state: "open", settle_at: null });
  });

  it("takes only bots and people that the caller may bring together", async () => {
    const to = { to_bot_user_id: digger.matrixId };
    const many = Array.from({ length: 11 }, (_, i) => `@b${i}_bot:localhost`);
    for (const wrong of [{}, { to_bot_user_ids: [] }, { to_bot_user_ids: many }, { to_bot_user_ids: [rocky.matrixId, digger.matrixId] }]) {
      expect(await group(owner, rocky, wrong)).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "to_bot_user_ids"] }] } });
    }
    expect(await group(owner, rocky, { ...to, question: "" })).toMatchObject({ status: 422 });
    expect(await group(owner, theirs, to)).toMatchObject({ status: 404 });
    for (const target of [theirs.matrixId, "@nobody_bot:localhost"]) expect(await group(owner, rocky, { to_bot_user_ids: [digger.matrixId, target] })).toMatchObject({ status: 404, body: { code: "not_found" } });
    await share(theirs, stranger, owner, Date.now() - 1);
    expect(await group(owner, rocky, { to_bot_user_id: theirs.matrixId })).toMatchObject({ status: 404 });
    await unshare(theirs);
    for (const person of ["@nobody:localhost", "@someone:elsewhere.example", "nonsense", theirs.matrixId]) expect(await group(owner, rocky, { ...to, user_id: person }), person).toMatchObject({ status: 404, body: { code: "not_found" } });
    const guest = await newPerson();
    const { body } = await group(owner, rocky, { ...to, user_id: guest.userId, room_name: "Den" });
    await asPerson(guest, "POST", `/join/${encodeURIComponent(body.room_id)}`, {});
    expect((await admin.findRoom(body.room_id))?.name).toBe("Den");
    expect(await bindings.DB.prepare("SELECT count(*) AS n FROM bot_groups WHERE state <> 'open'").first("n")).toBe(0);
  });
});

const KINDS: readonly FaultKind[] = ["refuse", "lose_answer", "status_500", "status_500_after", "status_429", "hang", "garbage"];

/** Rooms of this name on the homeserver; one being deleted counts until it is gone. */
const roomsNamed = async (name: string): Promise<string[]> => (await admin.listRooms({ from: 0, limit: 100, dir: "f", search: name })).items.map((room) => room.roomId);

describe("a homeserver that fails while a group is made", () => {
  const begin = async (): Promise<{ readonly bots: readonly RoomBot[]; readonly input: NewGroup & { readonly roomName: string } }> => {
    const bots = [await newRoomBot(owner), await newRoomBot(owner), await newRoomBot(owner)];
    const [from, ...targets] = bots.map((bot) => bot.matrixId);
    return { bots, input: { from: from ?? "", targets, person: null, roomName: uniqueName("room"), question: "Who digs?" } };
  };
  const attempt = async (input: NewGroup): Promise<string | null> => {
    try {
      return (await createGroup(ownerCtx(owner), input)).roomId;
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect([502, 503]).toContain((error as AppError).status);
      return null;
    } finally {
      await settled();
    }
  };
  const expectInStep = async (bots: readonly RoomBot[], name: string, roomId: string | null): Promise<void> => {
    const wanted = roomId === null ? [] : [roomId];
    for (const bot of bots) expect(await expectRoomsInStep(bot)).toEqual(wanted);
    await expect.poll(() => roomsNamed(name), { timeout: 10_000 }).toEqual(wanted);
    expect(await bindings.DB.prepare("SELECT count(*) AS n FROM bot_groups WHERE state <> 'open' OR settle_at IS NOT NULL").first("n")).toBe(0);
  };

  it.each([...KINDS, "down" as const])(
    "%s: no room and no bot is left in one, whichever call fails",
    async (kind) => {
      const sound = await begin();
      await faults.clear();
      const roomId = await attempt(sound.input);
      expect(roomId).not.toBeNull();
      const count = (await faults.calls()).calls.length;
      expect(count).toBeGreaterThan(4);
      await expectInStep(sound.bots, sound.input.roomName, roomId);
      for (let nth = 0; nth < count; nth++) {
        const { bots, input } = await begin();
        await faults.clear();
        await faults.arm(kind === "down" ? { kind: "refuse", nth, times: 1_000 } : { kind, nth });
        const made = await attempt(input);
        await faults.clear();
        await passTime();
        await expectInStep(bots, input.roomName, made);
      }
    },
    120_000,
  );

  it.each(["lose_answer", "refuse", "hang"] as const)(
    "%s again while it is undone: still nothing is left",
    async (kind) => {
      for (let nth = 0; nth < 8; nth++) {
        const { bots, input } = await begin();
        await faults.clear();
        await faults.arm({ kind: "status_500", match: "/send/" }, { kind, nth: nth + 5 });
        expect(await attempt(input)).toBeNull();
        await faults.clear();
        await passTime();
        await expectInStep(bots, input.roomName, null);
      }
    },
    120_000,
  );

  it("a room that comes to be after we gave it up is found by its marker, among others", async () => {
    const { bots, input } = await begin();
    const [sender] = bots;
    if (!sender) throw new Error("no bot");
    await driver.createRoom(sender.matrixId, { name: "another", invite: [], marker: "another" });
    const kept = await roomsOf(sender.matrixId);
    await faults.arm({ kind: "refuse", match: "createRoom" });
    expect(await attempt(input)).toBeNull();
    const row = await bindings.DB.prepare("SELECT id, state FROM bot_groups WHERE bot_matrix_id = ?").bind(sender.matrixId).first<{ id: string; state: string }>();
    expect(row?.state).toBe("abandoned");
    await driver.createRoom(sender.matrixId, { name: input.roomName, invite: [], marker: row?.id ?? "" });
    await passTime();
    expect(await roomsOf(sender.matrixId)).toEqual(kept);
    await expect.poll(() => roomsNamed(input.roomName), { timeout: 10_000 }).toEqual([]);
    expect(await bindings.DB.prepare("SELECT count(*) AS n FROM bot_groups WHERE id = ?").bind(row?.id).first("n")).toBe(0);
    await settleGroup(contextAt(0), row?.id ?? "");
  });

  it.each([true, false])("whose process dies leaves nothing either, its room's id written down: %s", async (written) => {
    const { bots, input } = await begin();
    const [sender, ...others] = bots.map((bot) => bot.matrixId);
    const [id, now] = [crypto.randomUUID(), Date.now()];
    const roomId = await driver.createRoom(sender ?? "", { name: input.roomName, invite: [owner.matrixId, ...others], marker: id });
    await driver.join(others[0] ?? "", roomId);
    await bindings.DB.prepare("INSERT INTO bot_groups (id, tenant_id, bot_matrix_id, members, room_id, state, settle_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'creating', ?, ?, ?)")
      .bind(id, owner.userId, sender, JSON.stringify([owner.matrixId, ...others]), written ? roomId : null, now + 60_000, now, now)
      .run();
    await settleGroup(contextAt(0), id);
    expect(await roomsOf(others[0] ?? "")).toEqual([roomId]);
    await passTime();
    await expectInStep(bots, input.roomName, null);
  });
});
