import { env } from "cloudflare:workers";
import { createMatrix } from "../../src/integrations/matrix/matrix";
import type { MatrixConfig } from "../../src/kernel/config";
import { uniqueName } from "./client";

/** Our own client of the homeserver that the project `homeserver` runs beside, and people there. */

const given = env as unknown as Record<"MATRIX_BASE_URL" | "MATRIX_SERVER_NAME" | "MATRIX_ADMIN_TOKEN" | "MATRIX_AS_TOKEN" | "MATRIX_REGISTRATION_SECRET", string>;
export const SERVER_NAME = given.MATRIX_SERVER_NAME;

export function matrixClient(overrides: Partial<MatrixConfig> = {}) {
  const matrix = createMatrix({
    baseUrl: given.MATRIX_BASE_URL,
    publicUrl: given.MATRIX_BASE_URL,
    adminToken: given.MATRIX_ADMIN_TOKEN,
    botToken: given.MATRIX_AS_TOKEN,
    registrationSecret: given.MATRIX_REGISTRATION_SECRET,
    timeoutMs: 10_000,
    ...overrides,
  });
  const { admin, bots } = matrix;
  if (!admin?.register || !bots) throw new Error("the homeserver of the tests lacks a credential");
  return { matrix, admin, bots, register: admin.register };
}

const { matrix, bots, register } = matrixClient();

export interface MatrixPerson {
  readonly userId: string;
  readonly localpart: string;
  readonly password: string;
  readonly token: string;
}

/** A person with an account and a device. */
export async function newPerson(displayName = "Ada"): Promise<MatrixPerson> {
  const localpart = uniqueName("p");
  const password = `secret of ${localpart}`;
  if ((await register({ localpart, password, displayName })) !== "created") throw new Error(`${localpart} is taken`);
  const login = await matrix.login(localpart, password);
  if (login.kind !== "ok") throw new Error(`${localpart} cannot sign in: ${login.kind}`);
  return { userId: login.userId, localpart, password, token: login.accessToken };
}

/** A bot with an account; its Matrix id. */
export async function newBot(): Promise<string> {
  const localpart = `${uniqueName("b")}_bot`;
  if ((await bots.register(localpart)) !== "created") throw new Error(`${localpart} is taken`);
  return `@${localpart}:${SERVER_NAME}`;
}

/** What a person's own app asks of the homeserver; fails unless it is granted. */
export async function asPerson<T = Record<string, unknown>>(person: MatrixPerson, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${given.MATRIX_BASE_URL}/_matrix/client/v3${path}`, { method, headers: { authorization: `Bearer ${person.token}` }, body: body === undefined ? null : JSON.stringify(body) });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${JSON.stringify(answer)}`);
  return answer as T;
}

/** A room that a person makes in their own app. */
export async function newRoom(person: MatrixPerson, options: Record<string, unknown> = {}): Promise<string> {
  return (await asPerson<{ room_id: string }>(person, "POST", "/createRoom", { preset: "private_chat", ...options })).room_id;
}
