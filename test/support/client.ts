import { exports } from "cloudflare:workers";
import { expect } from "vitest";
import { expectPromised } from "./promises";

/** What of the worker's exports we call; the generated type does not know our entry. */
const worker = (exports as unknown as { default: { fetch(request: Request): Promise<Response> } }).default;

export const BASE_URL = "https://sett.test";

export interface ApiOptions {
  readonly token?: string | undefined;
  /** Sent as JSON; a string goes out as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

/** A user who signed up, verified the address and logged in. */
export interface TestUser {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly userId: number;
  readonly matrixId: string;
  readonly accessToken: string;
  readonly idToken: string;
  readonly refreshToken: string;
  readonly sessionId: number;
}

export interface MailView {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly sent_at: string;
}

let serial = 0;

/** A name nobody else has: letters and digits only, so that it fits user names as well. */
export function uniqueName(prefix = "badger"): string {
  serial += 1;
  return `${prefix}${serial.toString(36)}${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;
}

/** A fresh address, so that one test's tries never count against another's. */
export function uniqueIp(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
  return `10.${a}.${b}.${c}`;
}

/** Sends one request through the whole worker; a success has to keep its record's promises. Every call comes from another address unless `cf-connecting-ip` is given. */
export async function send(method: string, path: string, options: ApiOptions = {}): Promise<Response> {
  const headers = new Headers({ "cf-connecting-ip": uniqueIp(), ...options.headers });
  if (options.token !== undefined) headers.set("authorization", `Bearer ${options.token}`);
  let body: string | null = null;
  if (options.body !== undefined) {
    body = typeof options.body === "string" ? options.body : JSON.stringify(options.body);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
  }
  const request = new Request(`${BASE_URL}${path}`, { method, headers, body });
  const response = await worker.fetch(request);
  await expectPromised(request, response);
  return response;
}

/** {@link send}, with the answer read: JSON when it is JSON, else its text. */
export async function api<T = Record<string, unknown>>(method: string, path: string, options: ApiOptions = {}): Promise<ApiAnswer<T>> {
  const response = await send(method, path, options);
  const text = await response.text();
  const json = text !== "" && (response.headers.get("content-type") ?? "").includes("json");
  return { status: response.status, body: (json ? JSON.parse(text) : text) as T, headers: response.headers };
}

/** {@link api} that fails the test, with the answer's text, unless the status is `status`. */
export async function expectStatus<T = Record<string, unknown>>(status: number, method: string, path: string, options: ApiOptions = {}): Promise<T> {
  const answer = await api<T>(method, path, options);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}

/** Mails to `to`, newest first. Waits until there are `atLeast`, since mail leaves after the answer. */
export async function mailsTo(to: string, atLeast = 1): Promise<readonly MailView[]> {
  for (let tries = 0; ; tries++) {
    const { body } = await api<readonly MailView[]>("GET", `/dev/mailbox?to=${encodeURIComponent(to)}`);
    if (body.length >= atLeast) return body;
    if (tries >= 100) throw new Error(`only ${body.length} of ${atLeast} mails to ${to} came`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The six digits of the newest mail to `to`. */
export async function codeMailedTo(to: string, atLeast = 1): Promise<string> {
  const [mail] = await mailsTo(to, atLeast);
  const code = /\b(\d{6})\b/.exec(mail?.text ?? "")?.[1];
  if (!code) throw new Error(`the mail to ${to} holds no code`);
  return code;
}

export interface Credentials {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly name: string;
}

export function newCredentials(overrides: Partial<Credentials> = {}): Credentials {
  const username = overrides.username ?? uniqueName();
  return { username, email: `${username}@example.org`, password: "correct horse battery", name: "Test Badger", ...overrides };
}

/** Signs up only: the address is not verified yet. */
export async function signUpUnverified(overrides: Partial<Credentials> = {}): Promise<Credentials> {
  const credentials = newCredentials(overrides);
  await expectStatus(200, "POST", "/api/v1/user/signup", { body: credentials });
  return credentials;
}

interface LoginBody {
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token: string;
  readonly session_id: number;
  readonly user_profile: { readonly id: number; readonly matrix_id: string };
}

/** Logs in; another session of the same user each time. */
export async function logIn(credentials: Pick<Credentials, "email" | "username" | "password">, headers?: Readonly<Record<string, string>>): Promise<TestUser> {
  const { email, username, password } = credentials;
  const body = await expectStatus<LoginBody>(200, "POST", "/api/v1/user/login", { body: { username: email, password }, headers });
  return {
    email,
    username,
    password,
    userId: body.user_profile.id,
    matrixId: body.user_profile.matrix_id,
    accessToken: body.access_token,
    idToken: body.id_token,
    refreshToken: body.refresh_token,
    sessionId: body.session_id,
  };
}

/** A verified, signed-in user, made over HTTP like any other. */
export async function signUpUser(overrides: Partial<Credentials> = {}): Promise<TestUser> {
  const credentials = await signUpUnverified(overrides);
  await expectStatus(200, "POST", "/api/v1/user/signup/verify", { body: { email: credentials.email, code: await codeMailedTo(credentials.email) } });
  return logIn(credentials);
}

/** Mints a CLI token for `user`. */
export async function mintToken(user: TestUser, options: { readonly name?: string; readonly expiresIn?: string } = {}): Promise<{ id: string; token: string }> {
  const expiresIn = options.expiresIn ?? "90d";
  const { id, token } = await expectStatus<{ id: string; token: string }>(201, "POST", "/api/v1/user/cli-tokens", {
    token: user.accessToken,
    body: { name: options.name ?? uniqueName("token"), expires_in: expiresIn, confirm_no_expiry: expiresIn === "never" },
  });
  return { id, token };
}
