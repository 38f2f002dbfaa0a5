import { expect } from "vitest";
import { uniqueName } from "../client";
import { homeserver, matrix, matrixPath, type MatrixAnswer } from "./client";

/** People and bots of the homeserver, made by its own calls, and what tests of it say often. */

const CLIENT = "/_matrix/client/v3";
export const ADMIN = { token: homeserver.adminToken };

export const idOf = (localpart: string): string => `@${localpart}:${homeserver.serverName}`;

export interface Person {
  readonly localpart: string;
  readonly id: string;
  readonly token: string;
}

export interface TestBot {
  readonly localpart: string;
  readonly id: string;
}

const text = (value: unknown): string => {
  if (typeof value !== "string") throw new Error(`not a text: ${JSON.stringify(value)}`);
  return value;
};

/** A text of an answer, which must have `status`. */
export async function textOf(answer: Promise<MatrixAnswer>, key: string, status = 200): Promise<string> {
  const { status: got, body } = await answer;
  expect(got, JSON.stringify(body)).toBe(status);
  return text(body[key]);
}

/** The status of an answer, with the error's code if it is one: `200`, `403 M_FORBIDDEN`. */
export async function outcomeOf(answer: Promise<MatrixAnswer>): Promise<string> {
  const { status, body } = await answer;
  return body.errcode === undefined ? String(status) : `${status} ${body.errcode}`;
}

export const getAccount = (id: string) => matrix("GET", matrixPath`/_synapse/admin/v2/users/${id}`, ADMIN);
export const putAccount = (id: string, body: unknown) => matrix("PUT", matrixPath`/_synapse/admin/v2/users/${id}`, { ...ADMIN, body });
export const deactivate = (id: string, erase = false) => matrix("POST", matrixPath`/_synapse/admin/v1/deactivate/${id}`, { ...ADMIN, body: { erase } });
export const whoami = (token: string) => matrix("GET", `${CLIENT}/account/whoami`, { token });
export const whoamiAs = (as: string) => matrix("GET", `${CLIENT}/account/whoami`, { as });

export const logIn = (user: string, password: string, more: Record<string, unknown> = {}) =>
  matrix("POST", `${CLIENT}/login`, { body: { type: "m.login.password", identifier: { type: "m.id.user", user }, password, ...more } });

export const logInBot = (user: string, deviceId: string, token = homeserver.asToken) =>
  matrix("POST", `${CLIENT}/login`, { token, body: { type: "m.login.application_service", identifier: { type: "m.id.user", user }, device_id: deviceId, initial_device_display_name: "Den" } });

export const registerBot = (username: string, token: string | undefined = homeserver.asToken) =>
  matrix("POST", `${CLIENT}/register`, { token, body: { type: "m.login.application_service", username, inhibit_login: true } });

/** Registers by the shared secret; `change` spoils the request after it was signed. */
export async function registerBySecret(username: string, facts: Record<string, unknown> = {}, change: Record<string, unknown> = {}): Promise<MatrixAnswer> {
  const nonce = await textOf(matrix("GET", "/_synapse/admin/v1/register"), "nonce");
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(homeserver.registrationSecret), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode([nonce, username, "pw", "notadmin"].join("\0"))));
  const body = { nonce, username, password: "pw", admin: false, mac: Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(""), ...facts, ...change };
  return matrix("POST", "/_synapse/admin/v1/register", { body });
}

/** A person with the password `pw`, signed in. */
export async function newPerson(): Promise<Person> {
  const localpart = uniqueName("p");
  expect(await outcomeOf(putAccount(idOf(localpart), { password: "pw", displayname: "Person" }))).toBe("201");
  return { localpart, id: idOf(localpart), token: await textOf(logIn(localpart, "pw"), "access_token") };
}

/** A bot of the application service. */
export async function newBot(): Promise<TestBot> {
  const localpart = `${uniqueName("b")}_bot`;
  expect(await outcomeOf(registerBot(localpart))).toBe("200");
  return { localpart, id: idOf(localpart) };
}

export const createRoom = (as: TestBot, body: Record<string, unknown>) => textOf(matrix("POST", `${CLIENT}/createRoom`, { as: as.id, body }), "room_id");

/** How somebody signs a call: people by their token, bots by the application service's. */
export const by = (who: TestBot | Person): { readonly token: string } | { readonly as: string } => ("token" in who ? { token: who.token } : { as: who.id });

/** `POST /rooms/{room}/{verb}` as somebody. */
export const act = (who: TestBot | Person, verb: "invite" | "kick" | "leave", roomId: string, target?: string) =>
  matrix("POST", `${matrixPath`/_matrix/client/v3/rooms/${roomId}`}/${verb}`, { ...by(who), body: target === undefined ? {} : { user_id: target } });

export const join = (who: TestBot | Person, room: string) => matrix("POST", matrixPath`/_matrix/client/v3/join/${room}`, { ...by(who), body: {} });

/** Room ids where somebody is, as the administrator sees it. */
export async function roomsOf(id: string): Promise<readonly unknown[]> {
  const { body } = await matrix("GET", matrixPath`/_synapse/admin/v1/users/${id}/joined_rooms`, ADMIN);
  expect(body["total"]).toBe((body["joined_rooms"] as unknown[]).length);
  return body["joined_rooms"] as unknown[];
}

/** Asks again until it is so; for what the homeserver does after its answer. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries >= 200) throw new Error("it never came to be");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
