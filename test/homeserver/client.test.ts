import { describe, expect, it } from "vitest";
import { AppError } from "../../src/kernel/errors/app-error";
import { uniqueName } from "../support/client";
import { asPerson, matrixClient, newBot, newPerson, newRoom, SERVER_NAME } from "../support/matrix-client";

/** The port `Matrix`, method by method, against a homeserver. */

const { matrix, admin, bots, register } = matrixClient();
const mxid = (localpart: string) => `@${localpart}:${SERVER_NAME}`;
const UNKNOWN_ROOM = `!${"x".repeat(18)}:${SERVER_NAME}`;

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (!(error instanceof AppError)) throw new Error(`no AppError: ${String(error)}`);
  return error.code;
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await check()); tries++) {
    if (tries > 100) throw new Error("it never came to be");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function botToken(bot: string, deviceId: string): Promise<string> {
  const login = await bots.login(bot, deviceId);
  if (login.kind !== "ok") throw new Error(`${bot} cannot sign in: ${login.kind}`);
  return login.accessToken;
}

describe("people", () => {
  it("are registered once, in lower case, and sign in", async () => {
    const localpart = uniqueName("P");
    const account = { localpart, password: "first password", displayName: "Ada Lovelace" };
    expect(await register(account)).toBe("created");
    expect(await register({ ...account, password: "another" })).toBe("taken");
    const userId = mxid(localpart.toLowerCase());
    const login = await matrix.login(localpart.toLowerCase(), "first password");
    expect(login).toMatchObject({ kind: "ok", userId });
    expect(await matrix.login(localpart.toLowerCase(), "another")).toEqual({ kind: "refused" });
    expect(await matrix.login(uniqueName("nobody"), "x")).toEqual({ kind: "refused" });
    const { accessToken, deviceId } = login as { accessToken: string; deviceId: string };
    expect(await matrix.whoami(accessToken)).toEqual({ userId, deviceId });
    expect(await matrix.whoami("nonsense")).toBeNull();
    // Registering alone signs nobody in.
    expect((await admin.listDevices(userId))?.map((device) => device.deviceId)).toEqual([deviceId]);
    expect(await register({ localpart: `${uniqueName("b")}_bot`, password: "x", displayName: "x" })).toBe("taken");
  });

  it("are found with the time of their making in milliseconds, alone and in lists", async () => {
    const { userId, localpart } = await newPerson("Grace");
    const account = await admin.findAccount(userId);
    expect(account).toMatchObject({ userId, displayName: "Grace", admin: false, deactivated: false, guest: false, erased: false });
    expect(Math.abs((account?.createdAt ?? 0) - Date.now())).toBeLessThan(60_000);
    const listed = await admin.listAccounts({ from: 0, limit: 10, name: localpart });
    expect(listed).toMatchObject({ total: 1, next: null, items: [{ userId, displayName: "Grace" }] });
    expect(Math.abs((listed.items[0]?.createdAt ?? 0) - Date.now())).toBeLessThan(60_000);
    for (const nobody of [mxid(uniqueName("nobody")), "@ada:elsewhere.example", "nonsense", "@a/../b:c"]) {
      expect(await admin.findAccount(nobody), nobody).toBeNull();
      expect(await admin.listDevices(nobody), nobody).toBeNull();
      expect(await admin.updateAccount(nobody, { displayName: "x" }), nobody).toBe(false);
      expect(await admin.deactivate(nobody, false), nobody).toBe(false);
      expect(await admin.resetPassword(nobody, "long enough", true), nobody).toBe(false);
    }
    expect(await admin.findAccount(mxid(uniqueName("nobody")))).toBeNull();
  });

  it("get passwords and names, and keep their devices if so wished", async () => {
    const person = await newPerson();
    expect(await admin.updateAccount(person.userId, { password: "second password", logoutDevices: false, displayName: "Augusta" })).toBe(true);
    expect(await matrix.whoami(person.token)).not.toBeNull();
    expect((await admin.findAccount(person.userId))?.displayName).toBe("Augusta");
    expect(await matrix.login(person.localpart, person.password)).toEqual({ kind: "refused" });
    expect(await admin.resetPassword(person.userId, "third password", false)).toBe(true);
    expect(await matrix.whoami(person.token)).not.toBeNull();
    expect(await admin.resetPassword(person.userId, "fourth password", true)).toBe(true);
    expect(await matrix.whoami(person.token)).toBeNull();
    expect((await matrix.login(person.localpart, "fourth password")).kind).toBe("ok");
  });

  it("are deactivated and erased, stay taken, and come back", async () => {
    const person = await newPerson();
    for (const erase of [false, true]) {
      expect(await admin.deactivate(person.userId, erase)).toBe(true);
      expect(await admin.findAccount(person.userId)).toMatchObject({ deactivated: true, erased: erase });
      expect(await matrix.whoami(person.token)).toBeNull();
      expect(["refused", "deactivated"]).toContain((await matrix.login(person.localpart, person.password)).kind);
      expect(await register({ localpart: person.localpart, password: "x", displayName: "x" })).toBe("taken");
      expect((await admin.listAccounts({ from: 0, limit: 10, name: person.localpart, deactivated: true })).total).toBe(1);
      expect((await admin.listAccounts({ from: 0, limit: 10, name: person.localpart, deactivated: false })).total).toBe(0);
      expect(await admin.updateAccount(person.userId, { deactivated: false, password: "new password", displayName: "Back" })).toBe(true);
      expect(await admin.findAccount(person.userId)).toMatchObject({ deactivated: false, displayName: "Back" });
      expect((await matrix.login(person.localpart, "new password")).kind).toBe("ok");
    }
  });

  it("have data and rooms that an administrator may see", async () => {
    const person = await newPerson();
    const roomId = await newRoom(person);
    await asPerson(person, "PUT", `/user/${encodeURIComponent(person.userId)}/account_data/org.sett.test`, { a: 1 });
    expect(await admin.joinedRooms(person.userId)).toEqual([roomId]);
    expect(await admin.accountData(person.userId)).toMatchObject({ global: { "org.sett.test": { a: 1 } } });
    expect(await admin.joinedRooms(mxid(uniqueName("nobody")))).toEqual([]);
  });
});

describe("bots", () => {
  it("are registered inside the namespace only", async () => {
    const localpart = `${uniqueName("B")}_bot`;
    expect(await bots.register(localpart)).toBe("created");
    expect(await bots.register(localpart)).toBe("taken");
    expect(await bots.register(uniqueName("human"))).toBe("refused");
    const bot = mxid(localpart.toLowerCase());
    await bots.setDisplayName(bot, "Rocky");
    expect((await admin.findAccount(bot))?.displayName).toBe("Rocky");
    expect(await admin.listDevices(bot)).toEqual([]);
    expect(await bots.login(mxid(`${uniqueName("none")}_bot`), "BCDEVICE")).toEqual({ kind: "unknown" });
  });

  it("rotate: a device keeps its older tokens until it is deleted", async () => {
    const bot = await newBot();
    const [first, second] = [await botToken(bot, "BCONE"), await botToken(bot, "BCONE")];
    expect(second).not.toBe(first);
    for (const token of [first, second]) expect(await matrix.whoami(token)).toEqual({ userId: bot, deviceId: "BCONE" });
    const third = await botToken(bot, "BCTWO");
    expect((await admin.listDevices(bot))?.map((device) => device.deviceId).sort()).toEqual(["BCONE", "BCTWO"]);
    await admin.deleteDevices(bot, ["BCONE", "BCNEVER"]);
    expect([await matrix.whoami(first), await matrix.whoami(second), (await matrix.whoami(third))?.userId]).toEqual([null, null, bot]);
    await admin.deleteDevices(bot, ["BCONE"]);
  });

  it("are deactivated, erased, and come back with a fresh device", async () => {
    const bot = await newBot();
    await bots.setDisplayName(bot, "Rocky");
    const old = await botToken(bot, "BCONE");
    for (const erase of [false, true]) {
      expect(await admin.deactivate(bot, erase)).toBe(true);
      expect(await matrix.whoami(old)).toBeNull();
      expect(await bots.login(bot, "BCTWO")).toEqual({ kind: "deactivated" });
      expect(await bots.register(bot.slice(1).split(":")[0] ?? "")).toBe("taken");
      expect(await admin.updateAccount(bot, { deactivated: false })).toBe(true);
      await bots.setDisplayName(bot, "Rocky again");
      expect(await matrix.whoami(await botToken(bot, "BCTWO"))).toEqual({ userId: bot, deviceId: "BCTWO" });
      expect((await admin.findAccount(bot))?.displayName).toBe("Rocky again");
    }
  });

  it("make rooms that are found again, and come and go in them", async () => {
    const [a, b, c, person] = [await newBot(), await newBot(), await newBot(), await newPerson()];
    const marker = crypto.randomUUID();
    const roomId = await bots.createRoom(a, { name: "Group", invite: [b, person.userId], marker });
    expect([await bots.findMarker(a, roomId), await bots.findMarker(b, roomId), await bots.findMarker(a, UNKNOWN_ROOM)]).toEqual([marker, null, null]);
    expect(await bots.joinedRooms(a)).toEqual([roomId]);
    expect(await bots.joinedRooms(b)).toEqual([]);
    expect([await bots.join(b, roomId), await bots.join(b, roomId), await bots.join(c, roomId), await bots.join(c, UNKNOWN_ROOM), await bots.join(c, "nonsense")]).toEqual(["ok", "ok", "refused", "unknown", "unknown"]);
    expect((await bots.listMembers(a, roomId))?.map((member) => member.userId).sort()).toEqual([a, b].sort());
    expect([await bots.listMembers(c, roomId), await bots.listMembers(c, UNKNOWN_ROOM)]).toEqual([null, null]);
    // Invited again, in already, by somebody who is not in there, and nobody at all.
    expect([await bots.invite(a, roomId, person.userId), await bots.invite(a, roomId, b), await bots.invite(c, roomId, person.userId)]).toEqual(["ok", "ok", "refused"]);
    expect([await bots.invite(a, roomId, c), await bots.join(c, roomId)]).toEqual(["ok", "ok"]);
    expect(["refused", "unknown"]).toContain(await bots.invite(a, UNKNOWN_ROOM, c));

    expect([await bots.leave(b, roomId), await bots.leave(b, roomId)]).toEqual(["ok", "ok"]);
    expect(["ok", "unknown"]).toContain(await bots.leave(b, UNKNOWN_ROOM));
    const stranger = await newBot();
    expect(await bots.leave(stranger, roomId)).toBe("ok");
    expect(await bots.join(b, roomId)).toBe("refused");
    expect(await bots.joinedRooms(b)).toEqual([]);

    const room = await admin.findRoom(roomId);
    expect(room).toMatchObject({ roomId, name: "Group", joinedMembers: 2, public: false, creator: a });
    expect(Math.abs(((await admin.findRoomCreation(roomId)) ?? 0) - Date.now())).toBeLessThan(60_000);
    expect([...((await admin.listRoomMembers(roomId)) ?? [])].sort()).toEqual([a, c].sort());
  });

  it("send once per id, each for itself, and read the newest first", async () => {
    const [a, b, person] = [await newBot(), await newBot(), await newPerson("Ada")];
    const roomId = await bots.createRoom(a, { name: "Talk", invite: [b, person.userId], marker: "m" });
    await bots.join(b, roomId);
    await asPerson(person, "POST", `/join/${encodeURIComponent(roomId)}`, {});
    const hello = { msgtype: "m.text", body: "hello" };
    const first = await bots.send(a, roomId, "txn-1", hello);
    expect(await bots.send(a, roomId, "txn-1", { msgtype: "m.text", body: "again" })).toEqual(first);
    const other = await bots.send(b, roomId, "txn-1", { msgtype: "m.text", body: "from b" });
    expect(other?.eventId).not.toBe(first?.eventId);
    const { event_id: encrypted } = await asPerson<{ event_id: string }>(person, "PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/t1`, { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x" });

    const messages = await bots.listMessages(a, roomId, 10);
    expect(messages?.map((message) => [message.eventId, message.sender, message.type, message.body])).toEqual([
      [encrypted, person.userId, "m.room.encrypted", null],
      [other?.eventId, b, "m.room.message", "from b"],
      [first?.eventId, a, "m.room.message", "hello"],
    ]);
    expect(messages?.[2]?.content).toMatchObject(hello);
    expect(Math.abs((messages?.[0]?.sentAt ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await bots.listMessages(a, roomId, 1)).toHaveLength(1);
    expect((await bots.listMembers(a, roomId))?.find((member) => member.userId === person.userId)).toEqual({ userId: person.userId, displayName: "Ada" });

    const stranger = await newBot();
    expect([await bots.send(stranger, roomId, "t", hello), await bots.listMessages(stranger, roomId, 1), await bots.send(a, UNKNOWN_ROOM, "t", hello), await bots.listMessages(a, UNKNOWN_ROOM, 1)]).toEqual([null, null, null, null]);
    expect(await codeOf(bots.send(a, roomId, "large", { msgtype: "m.text", body: "x".repeat(70_000) }))).toBe("PAYLOAD_TOO_LARGE");
  });
});

describe("administrators", () => {
  it("invite in the name of a person, who notices nothing", async () => {
    const [person, other, bot] = [await newPerson(), await newPerson(), await newBot()];
    const roomId = await newRoom(person);
    expect([await admin.inviteAs(person.userId, roomId, bot), await admin.inviteAs(person.userId, roomId, bot), await bots.join(bot, roomId), await admin.inviteAs(person.userId, roomId, bot)]).toEqual(["ok", "ok", "ok", "ok"]);
    expect(await admin.inviteAs(other.userId, roomId, await newBot())).toBe("refused");
    expect(await admin.inviteAs(person.userId, UNKNOWN_ROOM, bot)).toBe("unknown");
    expect(await admin.inviteAs(mxid(uniqueName("nobody")), roomId, bot)).toBe("refused");
    expect(await admin.listDevices(person.userId)).toHaveLength(1);
    expect(await matrix.whoami(person.token)).not.toBeNull();
  });

  it("invite in their own name, and stay signed in", async () => {
    const [person, bot] = [await newPerson(), await newBot()];
    const me = JSON.parse((await admin.raw("GET", "/_matrix/client/v3/account/whoami", undefined)).text) as { user_id: string };
    const roomId = await newRoom(person, { invite: [me.user_id] });
    expect((await admin.raw("POST", `/_matrix/client/v3/join/${encodeURIComponent(roomId)}`, {})).status).toBe(200);
    expect(await admin.inviteAs(me.user_id, roomId, bot)).toBe(await bots.join(bot, roomId));
    expect(await admin.version()).not.toBe("");
  });

  it("page through accounts and rooms", async () => {
    const mark = uniqueName("page");
    const people = [0, 1, 2].map((i) => ({ localpart: `${mark}${i}`, password: "x", displayName: mark }));
    for (const one of people) expect(await register(one)).toBe("created");
    const found: string[] = [];
    for (let next: string | null = "0"; next !== null; ) {
      const page: Awaited<ReturnType<typeof admin.listAccounts>> = await admin.listAccounts({ from: Number(next), limit: 2, name: mark, guests: false });
      expect(page.total).toBe(3);
      found.push(...page.items.map((account) => account.userId));
      next = page.next;
    }
    expect(found.sort()).toEqual(people.map(({ localpart }) => mxid(localpart)));

    const person = await newPerson();
    const rooms = [await newRoom(person, { name: `${mark} b` }), await newRoom(person, { name: `${mark} a` })];
    const list = async (query: { from: number; dir: "f" | "b" }) => admin.listRooms({ ...query, limit: 1, orderBy: "name", search: mark });
    const [one, two, last] = [await list({ from: 0, dir: "f" }), await list({ from: 1, dir: "f" }), await list({ from: 0, dir: "b" })];
    expect([one, two, last].map((page) => page.items.map((room) => room.name))).toEqual([[`${mark} a`], [`${mark} b`], [`${mark} b`]]);
    expect([one.total, one.next, two.next]).toEqual([2, "1", null]);
    expect(rooms).toContain(one.items[0]?.roomId);
    expect((await admin.listRooms({ from: 0, limit: 1, dir: "b" })).total).toBeGreaterThanOrEqual(2);
  });

  it("delete rooms; those that are none have no details", async () => {
    const [person, bot] = [await newPerson(), await newBot()];
    const roomId = await newRoom(person, { topic: "What for", invite: [bot] });
    await bots.join(bot, roomId);
    expect(await admin.findRoom(roomId)).toMatchObject({ topic: "What for", joinedMembers: 2, joinedLocalMembers: 2 });
    expect(await admin.deleteRoom(roomId, { block: false, purge: true })).not.toBe("");
    await eventually(async () => (await admin.findRoom(roomId)) === null && (await bots.joinedRooms(bot)).length === 0);
    for (const none of [roomId, UNKNOWN_ROOM, "!nocolon", "nonsense"]) {
      expect([await admin.findRoom(none), await admin.listRoomMembers(none), await admin.findRoomCreation(none)], none).toEqual([null, null, null]);
    }
  });

  it("see the media of a server, and whatever they ask for", async () => {
    expect(await admin.listMediaUse({ from: 0, limit: 10 })).toMatchObject({ items: expect.any(Array) as unknown, total: expect.any(Number) as unknown });
    expect(await admin.raw("GET", "/_matrix/client/versions", undefined)).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    const none = await admin.raw("GET", `/_synapse/admin/v2/users/${encodeURIComponent(mxid(uniqueName("nobody")))}`, undefined);
    expect([none.status, JSON.parse(none.text)]).toMatchObject([404, { errcode: "M_NOT_FOUND" }]);
  });
});

describe("credentials that the homeserver does not take", () => {
  it("are our fault", async () => {
    const person = await newPerson();
    const wrong = matrixClient({ adminToken: "wrong", botToken: "wrong", registrationSecret: "wrong" });
    expect(await codeOf(wrong.admin.findAccount(person.userId))).toBe("BAD_GATEWAY");
    expect(await codeOf(wrong.bots.register(`${uniqueName("b")}_bot`))).toBe("BAD_GATEWAY");
    expect(await codeOf(wrong.bots.joinedRooms(await newBot()))).toBe("BAD_GATEWAY");
    expect(await codeOf(wrong.register({ localpart: uniqueName("p"), password: "x", displayName: "x" }))).toBe("BAD_GATEWAY");
    // A person's token is no administrator's.
    const modest = matrixClient({ adminToken: person.token });
    expect(await codeOf(modest.admin.listAccounts({ from: 0, limit: 1 }))).toBe("BAD_GATEWAY");
    expect(await codeOf(modest.admin.deactivate(person.userId, false))).toBe("BAD_GATEWAY");
    // Nor may the application service drive people.
    expect(await codeOf(bots.joinedRooms(person.userId))).toBe("BAD_GATEWAY");
    expect(await codeOf(bots.login(person.userId, "D"))).toBe("BAD_GATEWAY");
  });
});
