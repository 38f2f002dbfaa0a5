import { describe, expect, it } from "vitest";
import { uniqueName } from "../support/client";
import { homeserver, matrix, matrixPath } from "../support/homeserver/client";
import { act, ADMIN, by, createRoom, deactivate, eventually, idOf, join, newBot, newPerson, outcomeOf, putAccount, roomsOf, textOf, type Person, type TestBot } from "../support/homeserver/people";

/** What the product relies on in Synapse's rooms. Run against both, this keeps the double honest. */

const NOWHERE = "!nowhere:localhost";
const MESSAGES = JSON.stringify({ types: ["m.room.message"] });

interface ClientEvent {
  readonly type: string;
  readonly sender: string;
  readonly event_id: string;
  readonly origin_server_ts: number;
  readonly content: Record<string, unknown>;
}

const send = (who: TestBot | Person, roomId: string, body: string, txn = uniqueName("t")) =>
  matrix("PUT", matrixPath`/_matrix/client/v3/rooms/${roomId}/send/m.room.message/${txn}`, { ...by(who), body: { msgtype: "m.text", body } });
const read = (who: TestBot | Person, roomId: string, query: Record<string, string> = {}) => matrix("GET", matrixPath`/_matrix/client/v3/rooms/${roomId}/messages`, { ...by(who), query: { dir: "b", filter: MESSAGES, ...query } });
const textsOf = ({ body }: { body: Record<string, unknown> }) => (body["chunk"] as ClientEvent[]).map(({ content }) => content["body"]);
const members = (who: TestBot | Person, roomId: string) => matrix("GET", matrixPath`/_matrix/client/v3/rooms/${roomId}/joined_members`, by(who));
const stateOf = (who: TestBot | Person, roomId: string, type: string) => matrix("GET", `${matrixPath`/_matrix/client/v3/rooms/${roomId}/state/${type}`}/`, by(who));
const details = (roomId: string) => matrix("GET", matrixPath`/_synapse/admin/v1/rooms/${roomId}`, ADMIN);
const joinForced = (roomId: string, userId: string) => matrix("POST", matrixPath`/_synapse/admin/v1/join/${roomId}`, { ...ADMIN, body: { user_id: userId } });
const listRooms = (query: Record<string, string>) => matrix("GET", "/_synapse/admin/v1/rooms", { ...ADMIN, query });
const deleteRoom = (roomId: string, body: unknown) => matrix("DELETE", matrixPath`/_synapse/admin/v2/rooms/${roomId}`, { ...ADMIN, body });
const deletion = (id: string) => matrix("GET", matrixPath`/_synapse/admin/v2/rooms/delete_status/${id}`, ADMIN);

/** A room of two bots, both in it. */
async function roomOfTwo(preset = "trusted_private_chat"): Promise<{ roomId: string; host: TestBot; guest: TestBot }> {
  const [host, guest] = [await newBot(), await newBot()];
  const roomId = await createRoom(host, { preset, name: "Den", invite: [guest.id] });
  expect(await outcomeOf(join(guest, roomId))).toBe("200");
  return { roomId, host, guest };
}

describe("making a room", () => {
  it("invites whom it is told, asks nobody whether they exist, and joins only its maker", async () => {
    const [bot, person] = [await newBot(), await newPerson()];
    const roomId = await createRoom(bot, { preset: "trusted_private_chat", name: "Den", topic: "Digging", invite: [person.id, idOf(`${uniqueName()}_bot`)] });
    expect(await roomsOf(bot.id)).toEqual([roomId]);
    expect((await matrix("GET", "/_matrix/client/v3/joined_rooms", by(bot))).body).toEqual({ joined_rooms: [roomId] });
    expect(await roomsOf(person.id)).toEqual([]);
    expect((await details(roomId)).body).toMatchObject({ room_id: roomId, name: "Den", topic: "Digging", avatar: null, joined_members: 1, creator: bot.id, public: false, join_rules: "invite", canonical_alias: null });
  });

  it("keeps what it was marked with", async () => {
    const [bot, stranger] = [await newBot(), await newBot()];
    const roomId = await createRoom(bot, { preset: "private_chat", creation_content: { "org.sett.marker": "m-1" } });
    const before = Date.now();
    expect((await stateOf(bot, roomId, "m.room.create")).body).toMatchObject({ "org.sett.marker": "m-1" });
    expect(await outcomeOf(stateOf(stranger, roomId, "m.room.create"))).toBe("403 M_FORBIDDEN");
    const { body } = await matrix("GET", matrixPath`/_synapse/admin/v1/rooms/${roomId}/state`, { ...ADMIN, query: { type: "m.room.create" } });
    expect(body["state"]).toEqual([expect.objectContaining({ type: "m.room.create", sender: bot.id, content: expect.objectContaining({ "org.sett.marker": "m-1" }) as object })]);
    expect(Math.abs(Number((body["state"] as ClientEvent[])[0]?.origin_server_ts) - before)).toBeLessThan(60_000);
  });

  it("needs a token, a known preset and ids that are some", async () => {
    const bot = await newBot();
    const make = (body: unknown) => matrix("POST", "/_matrix/client/v3/createRoom", { ...by(bot), body });
    expect(await outcomeOf(matrix("POST", "/_matrix/client/v3/createRoom", { body: {} }))).toBe("401 M_MISSING_TOKEN");
    expect(await outcomeOf(make({ preset: "nonsense" }))).toBe("400 M_BAD_JSON");
    expect(await outcomeOf(make({ invite: ["nonsense"] }))).toBe("400 M_UNKNOWN");
    expect(await outcomeOf(make({ room_version: "nonsense" }))).toBe("400 M_UNSUPPORTED_ROOM_VERSION");
    // The namespace of the application service holds no aliases.
    expect(await outcomeOf(make({ room_alias_name: uniqueName() }))).toBe("400 M_EXCLUSIVE");
  });

  it("of version 12 gives an id without a server", async () => {
    const [bot, guest] = [await newBot(), await newBot()];
    const roomId = await createRoom(bot, { preset: "trusted_private_chat", room_version: "12", invite: [guest.id] });
    expect(roomId).not.toContain(":");
    expect(await outcomeOf(join(guest, roomId))).toBe("200");
    expect(await outcomeOf(act(bot, "kick", roomId, guest.id))).toBe("403 M_FORBIDDEN");
  });
});

describe("membership", () => {
  it("wants an invite, and takes the same step twice", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    const stranger = await newBot();
    expect(await outcomeOf(join(stranger, roomId))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(join(stranger, NOWHERE))).toBe("404 M_UNKNOWN");
    expect(await outcomeOf(join(guest, roomId))).toBe("200");
    expect(await outcomeOf(act(host, "invite", roomId, stranger.id))).toBe("200");
    expect(await outcomeOf(act(host, "invite", roomId, stranger.id))).toBe("200");
    expect(await outcomeOf(act(host, "invite", roomId, guest.id))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(act(stranger, "invite", roomId, idOf("anybody")))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(act(host, "invite", NOWHERE, guest.id))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(act(guest, "leave", roomId))).toBe("200");
    expect(await outcomeOf(act(guest, "leave", roomId))).toBe("200");
    expect(await outcomeOf(act(await newBot(), "leave", roomId))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(act(guest, "leave", NOWHERE))).toBe("404 M_UNKNOWN");
    expect(await outcomeOf(join(guest, roomId))).toBe("403 M_FORBIDDEN");
  });

  it("of a trusted chat is among equals, who cannot be thrown out", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    expect((await stateOf(host, roomId, "m.room.power_levels")).body["users"]).toMatchObject({ [host.id]: 100, [guest.id]: 100 });
    expect(await outcomeOf(act(host, "kick", roomId, guest.id))).toBe("403 M_FORBIDDEN");
    const other = await roomOfTwo("private_chat");
    expect(await outcomeOf(act(other.guest, "kick", other.roomId, other.host.id))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(act(other.host, "kick", other.roomId, other.guest.id))).toBe("200");
  });

  it("can be forced only by an administrator who is in the room", async () => {
    const bot = await newBot();
    const roomId = await createRoom(bot, { preset: "private_chat" });
    const target = await newBot();
    const admin = { token: homeserver.adminToken, id: "", localpart: "" };
    expect(await outcomeOf(joinForced(roomId, target.id))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(matrix("POST", matrixPath`/_synapse/admin/v1/rooms/${roomId}/make_room_admin`, { ...ADMIN, body: {} }))).toBe("200");
    expect(await outcomeOf(join(admin, roomId))).toBe("200");
    expect(await outcomeOf(joinForced(roomId, target.id))).toBe("200");
    expect(await outcomeOf(joinForced(roomId, idOf("nobody")))).toBe("404 M_NOT_FOUND");
    expect(await roomsOf(target.id)).toEqual([roomId]);
    await act(admin, "leave", roomId);
  });

  it("ends with the account, some time after the answer, and does not come back with it", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    const pending = await createRoom(host, { preset: "private_chat", invite: [guest.id] });
    await deactivate(guest.id);
    await eventually(async () => (await roomsOf(guest.id)).length === 0);
    expect(await outcomeOf(join(guest, pending))).toBe("403 M_FORBIDDEN");
    await putAccount(guest.id, { deactivated: false });
    expect(await roomsOf(guest.id)).toEqual([]);
    expect(await outcomeOf(join(guest, roomId))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(act(host, "invite", roomId, guest.id))).toBe("200");
    expect(await outcomeOf(join(guest, roomId))).toBe("200");
  });

  it("is told to members, and shows their names", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    await matrix("PUT", matrixPath`/_matrix/client/v3/profile/${guest.id}/displayname`, { ...by(guest), body: { displayname: "Guest" } });
    await eventually(async () => JSON.stringify((await members(host, roomId)).body).includes('"Guest"'));
    expect((await members(host, roomId)).body).toMatchObject({ joined: { [guest.id]: { display_name: "Guest", avatar_url: null }, [host.id]: {} } });
    const person = await newPerson();
    expect(await outcomeOf(members(person, roomId))).toBe("403 M_FORBIDDEN");
    // Any bot of the application service may ask about a room where one of them is.
    expect(await outcomeOf(members(await newBot(), roomId))).toBe("200");
    expect(await outcomeOf(members(host, NOWHERE))).toBe("403 M_FORBIDDEN");
    const foreign = await textOf(matrix("POST", "/_matrix/client/v3/createRoom", { ...by(person), body: {} }), "room_id");
    expect(await outcomeOf(members(host, foreign))).toBe("403 M_FORBIDDEN");
    await act(person, "leave", foreign);
    expect(await outcomeOf(members(person, foreign))).toBe("403 M_FORBIDDEN");
    const { body } = await matrix("GET", matrixPath`/_synapse/admin/v1/rooms/${roomId}/members`, ADMIN);
    expect([body["total"], [...(body["members"] as string[])].sort()]).toEqual([2, [host.id, guest.id].sort()]);
  });

  it("is over for everybody once the last one left", async () => {
    const bot = await newBot();
    const roomId = await createRoom(bot, { preset: "public_chat", name: "Empty" });
    await act(bot, "leave", roomId);
    expect((await details(roomId)).body).toMatchObject({ name: null, joined_members: 0, creator: bot.id });
    expect((await matrix("GET", matrixPath`/_synapse/admin/v1/rooms/${roomId}/state`, ADMIN)).body).toEqual({ state: [] });
    expect(await outcomeOf(join(bot, roomId))).toBe("404 M_UNKNOWN");
  });
});

describe("messages", () => {
  it("are sent once for a transaction, whichever bot of the application service sends it", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    const txn = uniqueName("txn");
    const event = await textOf(send(host, roomId, "one", txn), "event_id");
    expect(await textOf(send(host, roomId, "two", txn), "event_id")).toBe(event);
    // So a transaction id must name its sender.
    expect(await textOf(send(guest, roomId, "three", txn), "event_id")).toBe(event);
    expect(await textOf(send(guest, roomId, "four"), "event_id")).not.toBe(event);
    expect(textsOf(await read(host, roomId))).toEqual(["four", "one"]);
  });

  it("are for members", async () => {
    const { roomId, host } = await roomOfTwo();
    const [stranger, invited] = [await newBot(), await newBot()];
    await act(host, "invite", roomId, invited.id);
    for (const who of [stranger, invited]) {
      expect(await outcomeOf(send(who, roomId, "hi"))).toBe("403 M_FORBIDDEN");
      expect(await outcomeOf(read(who, roomId))).toBe("403 M_FORBIDDEN");
    }
    expect(await outcomeOf(send(host, NOWHERE, "hi"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(read(host, NOWHERE))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(read(host, roomId, { dir: "sideways" }))).toBe("400 M_INVALID_PARAM");
  });

  it("are read newest first, by pages", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    for (const text of ["one", "two", "three"]) await send(host, roomId, text);
    const first = await read(guest, roomId, { limit: "2" });
    expect(textsOf(first)).toEqual(["three", "two"]);
    const [newest, older] = first.body["chunk"] as ClientEvent[];
    expect(newest).toMatchObject({ type: "m.room.message", sender: host.id, room_id: roomId, event_id: expect.any(String) as string });
    expect(newest?.origin_server_ts).toBeGreaterThanOrEqual(older?.origin_server_ts ?? 0);
    const second = await read(guest, roomId, { limit: "2", from: String(first.body["end"]) });
    expect(textsOf(second)).toEqual(["one"]);
    expect(textsOf(await read(guest, roomId, { dir: "f", limit: "2" }))).toEqual(["one", "two"]);
  });

  it("of before are all that somebody reads who left", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    await send(host, roomId, "before");
    await act(guest, "leave", roomId);
    await send(host, roomId, "after");
    expect(textsOf(await read(guest, roomId))).toEqual(["before"]);
  });
});

describe("the directory", () => {
  it("finds public rooms by alias and by name, until they are taken out", async () => {
    const [owner, visitor] = [await newPerson(), await newPerson()];
    const name = uniqueName("pub");
    const alias = `#${name}:${homeserver.serverName}`;
    const make = () => matrix("POST", "/_matrix/client/v3/createRoom", { ...by(owner), body: { preset: "public_chat", visibility: "public", name: `Room ${name}`, topic: "Open", room_alias_name: name } });
    const roomId = await textOf(make(), "room_id");
    expect(await outcomeOf(make())).toBe("400 M_ROOM_IN_USE");
    expect((await matrix("GET", matrixPath`/_matrix/client/v3/directory/room/${alias}`)).body).toEqual({ room_id: roomId, servers: [homeserver.serverName] });
    expect(await outcomeOf(matrix("GET", matrixPath`/_matrix/client/v3/directory/room/${`#${uniqueName()}:localhost`}`))).toBe("404 M_NOT_FOUND");
    const search = () => matrix("POST", "/_matrix/client/v3/publicRooms", { ...by(visitor), body: { limit: 5, filter: { generic_search_term: name } } });
    const entry = { room_id: roomId, name: `Room ${name}`, topic: "Open", canonical_alias: alias, num_joined_members: 1, join_rule: "public", world_readable: false, guest_can_join: false };
    expect((await search()).body["chunk"]).toEqual([entry]);
    expect(await outcomeOf(matrix("GET", "/_matrix/client/v3/publicRooms"))).toBe("401 M_MISSING_TOKEN");
    expect((await matrix("GET", "/_matrix/client/v3/publicRooms", by(visitor))).body["chunk"]).toContainEqual(entry);
    expect((await details(roomId)).body).toMatchObject({ canonical_alias: alias, public: true, join_rules: "public" });
    expect(await outcomeOf(join(visitor, alias))).toBe("200");
    const publish = (who: Person, visibility: string) => matrix("PUT", matrixPath`/_matrix/client/v3/directory/list/room/${roomId}`, { ...by(who), body: { visibility } });
    expect(await outcomeOf(publish(visitor, "private"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(publish(owner, "private"))).toBe("200");
    expect((await search()).body["chunk"]).toEqual([]);
  });
});

describe("the administrator's rooms", () => {
  it("are listed by pages, searched and sorted", async () => {
    const bot = await newBot();
    const name = uniqueName("list");
    const [first, second] = [await createRoom(bot, { name: `${name} a` }), await createRoom(bot, { name: `${name} b` })];
    const page = await listRooms({ search_term: name, limit: "1" });
    expect(page.body).toMatchObject({ offset: 0, total_rooms: 2, next_batch: 1, rooms: [{ room_id: first, name: `${name} a`, joined_members: 1, joined_local_members: 1, creator: bot.id }] });
    const last = await listRooms({ search_term: name, limit: "1", from: "1" });
    expect(last.body).toMatchObject({ offset: 1, total_rooms: 2, prev_batch: 0, rooms: [{ room_id: second }] });
    expect(last.body["next_batch"]).toBeUndefined();
    expect((await listRooms({ search_term: name, order_by: "name", dir: "b" })).body["rooms"]).toMatchObject([{ room_id: second }, { room_id: first }]);
    expect((await listRooms({ search_term: second })).body).toMatchObject({ total_rooms: 1, rooms: [{ room_id: second }] });
    expect(await outcomeOf(listRooms({ dir: "desc" }))).toBe("400 M_INVALID_PARAM");
    expect(await outcomeOf(listRooms({ order_by: "nonsense" }))).toBe("400 M_INVALID_PARAM");
    expect(await outcomeOf(details(NOWHERE))).toBe("404 M_NOT_FOUND");
    expect(await outcomeOf(matrix("GET", matrixPath`/_synapse/admin/v1/rooms/${NOWHERE}/members`, ADMIN))).toBe("404 M_NOT_FOUND");
    expect(await outcomeOf(matrix("GET", matrixPath`/_synapse/admin/v1/rooms/${NOWHERE}/state`, ADMIN))).toBe("404 M_NOT_FOUND");
  });

  it("are deleted after the answer, and tell whom that put out", async () => {
    const { roomId, host, guest } = await roomOfTwo();
    const id = await textOf(deleteRoom(roomId, { block: false, purge: true }), "delete_id");
    await eventually(async () => (await deletion(id)).body["status"] === "complete");
    const { body } = await deletion(id);
    expect((body["shutdown_room"] as { kicked_users: string[] }).kicked_users.toSorted()).toEqual([host.id, guest.id].toSorted());
    expect(await outcomeOf(details(roomId))).toBe("404 M_NOT_FOUND");
    expect(await roomsOf(host.id)).toEqual([]);
    expect(await outcomeOf(send(host, roomId, "hello?"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(join(host, roomId))).toBe("404 M_UNKNOWN");
  });

  it("can be blocked, and are deleted even where there is none", async () => {
    const bot = await newBot();
    const roomId = await createRoom(bot, { preset: "public_chat" });
    const id = await textOf(deleteRoom(roomId, { block: true, purge: true }), "delete_id");
    await eventually(async () => (await deletion(id)).body["status"] === "complete");
    expect(await outcomeOf(join(bot, roomId))).toBe("403 M_UNKNOWN");
    expect((await deleteRoom(`!${uniqueName()}:localhost`, {})).body["delete_id"]).toEqual(expect.any(String));
    expect(await outcomeOf(deletion("nonsense"))).toBe("404 M_NOT_FOUND");
    expect(await outcomeOf(deleteRoom(NOWHERE, []))).toBe("400 M_BAD_JSON");
  });
});
