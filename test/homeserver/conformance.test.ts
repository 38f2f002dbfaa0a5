import { describe, expect, it } from "vitest";
import { uniqueName } from "../support/client";
import { homeserver, matrix, matrixPath } from "../support/homeserver/client";
import { ADMIN, by, deactivate, getAccount, idOf, logIn, logInBot, newBot, newPerson, outcomeOf, putAccount, registerBot, registerBySecret, textOf, whoami, whoamiAs } from "../support/homeserver/people";

/** What the product relies on in Synapse's accounts. Run against both, this keeps the double honest. */

const NOBODY = idOf("nobody");
const devicesOf = (id: string) => matrix("GET", matrixPath`/_synapse/admin/v2/users/${id}/devices`, ADMIN);
const deviceIdsOf = async (id: string) => ((await devicesOf(id)).body["devices"] as { device_id: string }[]).map(({ device_id }) => device_id).sort();
const isAvailable = (username: string) => matrix("GET", "/_synapse/admin/v1/username_available", { ...ADMIN, query: { username } });
const listUsers = (query: Record<string, string>) => matrix("GET", "/_synapse/admin/v2/users", { ...ADMIN, query });
const profileOf = (id: string) => matrix("GET", matrixPath`/_matrix/client/v3/profile/${id}/displayname`);
const logInAs = (id: string, body: unknown = {}) => matrix("POST", matrixPath`/_synapse/admin/v1/users/${id}/login`, { ...ADMIN, body });
const logOut = (token: string) => matrix("POST", "/_matrix/client/v3/logout", { token, body: {} });

describe("tokens", () => {
  it("are told from none, from dead ones and from those of no administrator", async () => {
    const person = await newPerson();
    expect(await outcomeOf(matrix("GET", "/_matrix/client/v3/account/whoami"))).toBe("401 M_MISSING_TOKEN");
    expect((await whoami("nonsense")).body).toMatchObject({ errcode: "M_UNKNOWN_TOKEN", soft_logout: false });
    expect((await whoami(person.token)).body).toMatchObject({ user_id: person.id, is_guest: false });
    expect(await outcomeOf(matrix("GET", "/_synapse/admin/v2/users", { token: person.token }))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(matrix("GET", "/_synapse/admin/v2/users", { token: homeserver.asToken }))).toBe("403 M_FORBIDDEN");
  });

  it("of the application service act as its own users only", async () => {
    const [bot, person] = [await newBot(), await newPerson()];
    expect((await whoamiAs(bot.id)).body).toMatchObject({ user_id: bot.id });
    expect(await outcomeOf(whoamiAs(idOf(`${uniqueName()}_bot`)))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(whoamiAs(person.id))).toBe("403 M_FORBIDDEN");
  });

  it("of a locked account are soft-logged out", async () => {
    const person = await newPerson();
    expect((await putAccount(person.id, { locked: true })).body).toMatchObject({ locked: true });
    expect((await whoami(person.token)).body).toMatchObject({ errcode: "M_USER_LOCKED", soft_logout: true });
    expect(await outcomeOf(logIn(person.localpart, "pw"))).toBe("401 M_USER_LOCKED");
    await putAccount(person.id, { locked: false });
    expect(await outcomeOf(whoami(person.token))).toBe("200");
  });
});

describe("accounts of people", () => {
  it("are made by the shared secret, once", async () => {
    const localpart = uniqueName("s");
    const { status, body } = await registerBySecret(localpart, { displayname: "Sally", inhibit_login: true });
    expect([status, body["user_id"], body["access_token"]]).toEqual([200, idOf(localpart), undefined]);
    expect((await getAccount(idOf(localpart))).body).toMatchObject({ displayname: "Sally", admin: false, deactivated: false, erased: false });
    expect(await outcomeOf(logIn(localpart, "pw"))).toBe("200");
    expect(await outcomeOf(registerBySecret(localpart))).toBe("400 M_USER_IN_USE");
    expect(await outcomeOf(registerBySecret(uniqueName("S").toUpperCase()))).toBe("200");
  });

  it("are not made by a wrong signature, an old nonce, a bad or a reserved name", async () => {
    expect(await outcomeOf(registerBySecret(uniqueName(), {}, { mac: "00" }))).toBe("403 M_UNKNOWN");
    expect(await outcomeOf(registerBySecret(uniqueName(), {}, { nonce: "old" }))).toBe("400 M_UNKNOWN");
    expect(await outcomeOf(registerBySecret("with space"))).toBe("400 M_INVALID_USERNAME");
    expect(await outcomeOf(registerBySecret(`${uniqueName()}_bot`))).toBe("400 M_EXCLUSIVE");
    expect(await outcomeOf(putAccount(idOf(`${uniqueName()}_bot`), {}))).toBe("400 M_EXCLUSIVE");
    expect(await outcomeOf(putAccount(idOf(uniqueName("Upper").toUpperCase()), {}))).toBe("400 M_INVALID_USERNAME");
    expect(await outcomeOf(matrix("POST", "/_matrix/client/v3/register", { body: { username: uniqueName(), password: "pw" } }))).toBe("403 M_FORBIDDEN");
  });

  it("are looked up, changed and counted in two units of time", async () => {
    const person = await newPerson();
    expect(await outcomeOf(getAccount(NOBODY))).toBe("404 M_NOT_FOUND");
    expect(await outcomeOf(getAccount("@somebody:elsewhere.example"))).toBe("400 M_UNKNOWN");
    expect((await putAccount(person.id, { displayname: "Renamed" })).body).toMatchObject({ name: person.id, displayname: "Renamed", appservice_id: null });
    const seconds = Number((await getAccount(person.id)).body["creation_ts"]);
    expect(Math.abs(seconds - Date.now() / 1_000)).toBeLessThan(3_600);
    const { body } = await listUsers({ name: person.localpart });
    expect(body).toMatchObject({ total: 1, users: [{ name: person.id, displayname: "Renamed", deactivated: false, creation_ts: seconds * 1_000 }] });
  });

  it("are listed by pages, deactivated ones on demand", async () => {
    const prefix = uniqueName("list");
    const names = ["a", "b", "c"].map((letter) => idOf(prefix + letter));
    for (const id of names) await putAccount(id, {});
    const first = await listUsers({ name: prefix, limit: "2" });
    expect(first.body).toMatchObject({ total: 3, next_token: "2", users: [{ name: names[0] }, { name: names[1] }] });
    const last = await listUsers({ name: prefix, limit: "2", from: "2", guests: "false" });
    expect(last.body).toMatchObject({ total: 3, users: [{ name: names[2] }] });
    expect(last.body["next_token"]).toBeUndefined();
    await deactivate(names[1] ?? "");
    expect((await listUsers({ name: prefix })).body["total"]).toBe(2);
    expect((await listUsers({ name: prefix, deactivated: "false" })).body["total"]).toBe(2);
    expect((await listUsers({ name: prefix, deactivated: "true" })).body["total"]).toBe(3);
    expect(await outcomeOf(listUsers({ limit: "-1" }))).toBe("400 M_INVALID_PARAM");
    expect(await outcomeOf(listUsers({ deactivated: "maybe" }))).toBe("400 M_INVALID_PARAM");
  });

  it("keep their name forever", async () => {
    const person = await newPerson();
    expect((await isAvailable(uniqueName())).body).toEqual({ available: true });
    expect(await outcomeOf(isAvailable(`${uniqueName()}_bot`))).toBe("400 M_EXCLUSIVE");
    await deactivate(person.id, true);
    expect(await outcomeOf(isAvailable(person.localpart))).toBe("400 M_USER_IN_USE");
    expect(await outcomeOf(registerBySecret(person.localpart))).toBe("400 M_USER_IN_USE");
  });

  it("sign in with their password", async () => {
    const { localpart, id } = await newPerson();
    const { body } = await logIn(localpart, "pw", { device_id: "PHONE", initial_device_display_name: "Phone" });
    expect(body).toMatchObject({ user_id: id, device_id: "PHONE", access_token: expect.any(String) as string });
    expect((await devicesOf(id)).body["devices"]).toContainEqual(expect.objectContaining({ device_id: "PHONE", display_name: "Phone" }));
    expect(await outcomeOf(logIn(localpart, "wrong"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(logIn(uniqueName(), "pw"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(matrix("POST", "/_matrix/client/v3/login", { body: { type: "m.unheard" } }))).toBe("400 M_INVALID_PARAM");
  });

  it("lose their devices with a new password unless they keep them", async () => {
    const { localpart, id, token } = await newPerson();
    await putAccount(id, { password: "pw2", logout_devices: false });
    expect(await outcomeOf(whoami(token))).toBe("200");
    await putAccount(id, { password: "pw3" });
    expect(await outcomeOf(whoami(token))).toBe("401 M_UNKNOWN_TOKEN");
    const next = await textOf(logIn(localpart, "pw3"), "access_token");
    const reset = (userId: string, body: unknown) => matrix("POST", matrixPath`/_synapse/admin/v1/reset_password/${userId}`, { ...ADMIN, body });
    expect(await outcomeOf(reset(id, { new_password: "pw4", logout_devices: false }))).toBe("200");
    expect(await outcomeOf(whoami(next))).toBe("200");
    expect(await outcomeOf(reset(id, { new_password: "pw5" }))).toBe("200");
    expect(await outcomeOf(whoami(next))).toBe("401 M_UNKNOWN_TOKEN");
    expect(await outcomeOf(logIn(localpart, "pw5"))).toBe("200");
    expect(await outcomeOf(reset(NOBODY, { new_password: "pw" }))).toBe("404 M_NOT_FOUND");
  });

  it("have account data that the administrator reads", async () => {
    const person = await newPerson();
    const path = matrixPath`/_matrix/client/v3/user/${person.id}/account_data/${"m.secret_storage.default_key"}`;
    expect(await outcomeOf(matrix("GET", path, by(person)))).toBe("404 M_NOT_FOUND");
    await matrix("PUT", path, { ...by(person), body: { key: "k" } });
    const data = (id: string) => matrix("GET", matrixPath`/_synapse/admin/v1/users/${id}/accountdata`, ADMIN);
    expect((await data(person.id)).body).toMatchObject({ account_data: { global: { "m.secret_storage.default_key": { key: "k" } } } });
    await deactivate(person.id);
    expect((await data(person.id)).body).toMatchObject({ account_data: { global: {} } });
    expect(await outcomeOf(data(NOBODY))).toBe("404 M_NOT_FOUND");
  });

  it("are acted for by a token without a device that ends", async () => {
    const person = await newPerson();
    const before = await deviceIdsOf(person.id);
    const token = await textOf(logInAs(person.id, { valid_until_ms: Date.now() + 60_000 }), "access_token");
    expect((await whoami(token)).body).toEqual({ user_id: person.id, is_guest: false });
    expect(await deviceIdsOf(person.id)).toEqual(before);
    expect(await outcomeOf(logOut(token))).toBe("200");
    expect(await outcomeOf(whoami(token))).toBe("401 M_UNKNOWN_TOKEN");
    expect(await outcomeOf(whoami(person.token))).toBe("200");
    const expired = await textOf(logInAs(person.id, { valid_until_ms: Date.now() - 1 }), "access_token");
    expect((await whoami(expired)).body).toMatchObject({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
    expect(await outcomeOf(logInAs(String((await whoami(homeserver.adminToken)).body["user_id"])))).toBe("400 M_UNKNOWN");
    expect(await outcomeOf(logInAs(NOBODY))).toBe("404 M_NOT_FOUND");
  });
});

describe("deactivated accounts", () => {
  it("have neither tokens nor devices nor a password", async () => {
    const person = await newPerson();
    expect((await deactivate(person.id)).body).toEqual({ id_server_unbind_result: "success" });
    expect((await getAccount(person.id)).body).toMatchObject({ deactivated: true, erased: false, displayname: "Person" });
    expect(await outcomeOf(whoami(person.token))).toBe("401 M_UNKNOWN_TOKEN");
    expect((await devicesOf(person.id)).body).toEqual({ devices: [], total: 0 });
    expect(await outcomeOf(logIn(person.localpart, "pw"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(putAccount(person.id, { password: "pw2" }))).toBe("200");
    expect((await getAccount(person.id)).body["deactivated"]).toBe(true);
    expect(await outcomeOf(deactivate(person.id))).toBe("200");
    expect(await outcomeOf(deactivate(NOBODY))).toBe("404 M_NOT_FOUND");
  });

  it("come back with one call when they are not erased", async () => {
    const person = await newPerson();
    await deactivate(person.id);
    expect((await putAccount(person.id, { deactivated: false, password: "pw2", displayname: "Back" })).body).toMatchObject({ deactivated: false, displayname: "Back" });
    expect(await outcomeOf(logIn(person.localpart, "pw2"))).toBe("200");
  });

  it("come back with two calls when they are erased", async () => {
    const person = await newPerson();
    await deactivate(person.id, true);
    expect((await getAccount(person.id)).body).toMatchObject({ deactivated: true, erased: true, displayname: null });
    expect(await outcomeOf(putAccount(person.id, { deactivated: false, password: "pw2", displayname: "Back" }))).toBe("500 M_UNKNOWN");
    expect((await getAccount(person.id)).body).toMatchObject({ deactivated: true, erased: true });
    expect((await putAccount(person.id, { deactivated: false, password: "pw2" })).body).toMatchObject({ deactivated: false, erased: false, displayname: null });
    expect((await putAccount(person.id, { displayname: "Back" })).body).toMatchObject({ displayname: "Back" });
    expect(await outcomeOf(logIn(person.localpart, "pw2"))).toBe("200");
  });

  it("are not made so at once: a new account is active", async () => {
    expect((await putAccount(idOf(uniqueName()), { deactivated: true })).body["deactivated"]).toBe(false);
  });
});

describe("bots", () => {
  it("are registered by the application service alone, and in its namespace", async () => {
    const localpart = `${uniqueName("b")}_bot`;
    expect((await registerBot(localpart)).body["user_id"]).toBe(idOf(localpart));
    expect((await getAccount(idOf(localpart))).body["appservice_id"]).not.toBeNull();
    expect(await outcomeOf(registerBot(localpart))).toBe("400 M_USER_IN_USE");
    expect(await outcomeOf(registerBot(uniqueName()))).toBe("400 M_EXCLUSIVE");
    expect(await outcomeOf(registerBot(`${uniqueName()}_bot`, "nonsense"))).toBe("401 M_UNKNOWN_TOKEN");
  });

  it("get another token for a device that they have, and the old one stays", async () => {
    const bot = await newBot();
    const first = await textOf(logInBot(bot.localpart, "DEN"), "access_token");
    const second = await textOf(logInBot(bot.localpart, "DEN"), "access_token");
    expect(second).not.toBe(first);
    for (const token of [first, second]) expect((await whoami(token)).body).toMatchObject({ user_id: bot.id, device_id: "DEN" });
    expect(await deviceIdsOf(bot.id)).toEqual(["DEN"]);
  });

  it("lose a device and each of its tokens by a logout", async () => {
    const bot = await newBot();
    const first = await textOf(logInBot(bot.localpart, "DEN"), "access_token");
    const second = await textOf(logInBot(bot.localpart, "DEN"), "access_token");
    const other = await textOf(logInBot(bot.localpart, "OTHER"), "access_token");
    expect(await outcomeOf(logOut(second))).toBe("200");
    expect(await outcomeOf(whoami(first))).toBe("401 M_UNKNOWN_TOKEN");
    expect(await outcomeOf(whoami(other))).toBe("200");
    expect(await deviceIdsOf(bot.id)).toEqual(["OTHER"]);
  });

  it("lose devices that the administrator deletes, and nobody minds if there is none", async () => {
    const bot = await newBot();
    const one = await textOf(logInBot(bot.localpart, "ONE"), "access_token");
    await logInBot(bot.localpart, "TWO");
    await logInBot(bot.localpart, "THREE");
    expect(await outcomeOf(matrix("DELETE", matrixPath`/_synapse/admin/v2/users/${bot.id}/devices/${"ONE"}`, ADMIN))).toBe("200");
    expect(await outcomeOf(matrix("DELETE", matrixPath`/_synapse/admin/v2/users/${bot.id}/devices/${"ONE"}`, ADMIN))).toBe("200");
    expect(await outcomeOf(whoami(one))).toBe("401 M_UNKNOWN_TOKEN");
    expect(await outcomeOf(matrix("POST", matrixPath`/_synapse/admin/v2/users/${bot.id}/delete_devices`, { ...ADMIN, body: { devices: ["TWO", "NONE"] } }))).toBe("200");
    expect(await deviceIdsOf(bot.id)).toEqual(["THREE"]);
    expect(await outcomeOf(devicesOf(NOBODY))).toBe("404 M_NOT_FOUND");
  });

  it("sign in by the application service, and in no other way", async () => {
    const [bot, person] = [await newBot(), await newPerson()];
    expect((await logInBot(`${uniqueName()}_bot`, "DEN")).body).toMatchObject({ errcode: "M_UNKNOWN", error: expect.stringContaining("No row found") as string });
    expect(await outcomeOf(logInBot(`${uniqueName()}_bot`, "DEN"))).toBe("404 M_UNKNOWN");
    expect(await outcomeOf(logInBot(person.localpart, "DEN"))).toBe("403 M_FORBIDDEN");
    expect(await outcomeOf(logInBot(bot.localpart, "DEN", "nonsense"))).toBe("401 M_UNKNOWN_TOKEN");
    expect(await outcomeOf(logInBot(bot.localpart, "DEN", person.token))).toBe("401 M_UNKNOWN_TOKEN");
  });

  it("set their own name", async () => {
    const [bot, other] = [await newBot(), await newBot()];
    const rename = (as: string, of: string, displayname: unknown) => matrix("PUT", matrixPath`/_matrix/client/v3/profile/${of}/displayname`, { as, body: { displayname } });
    expect(await outcomeOf(rename(bot.id, bot.id, "Rocky"))).toBe("200");
    expect((await profileOf(bot.id)).body).toEqual({ displayname: "Rocky" });
    expect(await outcomeOf(rename(bot.id, other.id, "Mine"))).toBe("400 M_FORBIDDEN");
    await deactivate(bot.id, true);
    expect(await outcomeOf(rename(bot.id, bot.id, "Ghost"))).toBe("500 M_UNKNOWN");
  });

  it("deactivated sign in no more, but can still be acted as", async () => {
    const bot = await newBot();
    const token = await textOf(logInBot(bot.localpart, "DEN"), "access_token");
    await deactivate(bot.id);
    expect(await outcomeOf(whoami(token))).toBe("401 M_UNKNOWN_TOKEN");
    expect(await outcomeOf(logInBot(bot.localpart, "DEN"))).toBe("403 M_USER_DEACTIVATED");
    expect(await outcomeOf(registerBot(bot.localpart))).toBe("400 M_USER_IN_USE");
    expect(await outcomeOf(whoamiAs(bot.id))).toBe("200");
    expect((await putAccount(bot.id, { deactivated: false })).body).toMatchObject({ deactivated: false });
    expect(await deviceIdsOf(bot.id)).toEqual([]);
    expect(await outcomeOf(logInBot(bot.localpart, "NEW"))).toBe("200");
  });
});

describe("the server", () => {
  it("tells its version to everybody, and what media weighs to its administrator", async () => {
    expect((await matrix("GET", "/_synapse/admin/v1/server_version")).body).toEqual({ server_version: expect.stringMatching(/^1\.\d+\.\d+/) as string });
    const bot = await newBot();
    await matrix("POST", "/_matrix/media/v3/upload", { as: bot.id, body: { four: 4 } });
    const { body } = await matrix("GET", "/_synapse/admin/v1/statistics/users/media", { ...ADMIN, query: { order_by: "media_length", dir: "b", limit: "1000" } });
    expect(body["users"]).toContainEqual(expect.objectContaining({ user_id: bot.id, media_count: 1, media_length: 10 }));
    expect(await outcomeOf(matrix("GET", "/_synapse/admin/v1/statistics/database/rooms", ADMIN))).toBe("400 M_UNKNOWN");
  });

  it("knows what it is not asked for", async () => {
    expect(await outcomeOf(matrix("GET", "/_synapse/admin/v1/nowhere", ADMIN))).toBe("404 M_UNRECOGNIZED");
    expect(await outcomeOf(matrix("POST", "/_matrix/client/v3/account/whoami", { ...ADMIN, body: {} }))).toBe("405 M_UNRECOGNIZED");
    expect(await outcomeOf(matrix("POST", "/_matrix/client/v3/login", { body: [] }))).toBe("400 M_BAD_JSON");
  });
});
