import { expect } from "vitest";
import { enqueueRoomsToSettle, LATE_EFFECT_MS, settleBotRoom, settleRoomCleanup } from "../../../src/fleet/bot-rooms";
import { SAGA_LEASE_MS } from "../../../src/fleet/bots";
import { enqueueGroupsToSettle, settleGroup } from "../../../src/fleet/cross-bot";
import type { OwnerCtx } from "../../../src/kernel/context";
import type { Job } from "../../../src/kernel/ports/services";
import { api, expectStatus, signUpUser, uniqueName, type TestUser } from "../client";
import { bindings, contextAt, roomsOf, settled } from "./view";
import { eventually } from "./people";
import type { MatrixPerson } from "../matrix-client";
import { liftCaps } from "../plans";

/** People with bots and rooms beside a homeserver, and the reconciler's work on them. */

export interface RoomBot {
  readonly id: string;
  readonly name: string;
  readonly matrixId: string;
}

/** A user whose plan carries any number of bots, and their own end of the homeserver. */
export async function signUpPerson(): Promise<TestUser & { readonly person: MatrixPerson }> {
  const user = await signUpUser();
  await liftCaps(user);
  const login = () => api<{ access_token: string }>("POST", "/api/v1/auth/matrix-login", { body: { username: user.username, password: user.password } });
  await eventually(async () => (await login()).status === 200);
  return { ...user, person: { userId: user.matrixId, localpart: user.username, password: user.password, token: (await login()).body.access_token } };
}

export async function newRoomBot(user: TestUser, name = "Rocky"): Promise<RoomBot> {
  const username = uniqueName("b").slice(0, 18);
  const bot = await expectStatus<{ id: string; bot_user_id: string }>(201, "POST", "/api/v1/bots", { token: user.accessToken, body: { bot_name: name, bot_username: username } });
  return { id: bot.id, name, matrixId: bot.bot_user_id };
}

/** For calling a verb as a user: what it leaves for after the answer, `settled` waits for. */
export const ownerCtx = (user: TestUser): OwnerCtx => ({
  ...contextAt(0),
  actor: { type: "user", userId: user.userId, sub: uniqueName("sub"), sessionId: null, epoch: 0, role: "user", expiresAt: Date.now() + 3_600_000 },
});

/** Time only goes on: a look that is due late, since an earlier one came late, is found by a later call. */
let timePassed = 0;

async function tickAt(ms: number): Promise<void> {
  const jobs: Job[] = [];
  const ctx = contextAt(ms);
  const finder = { ...ctx, services: { ...ctx.services, jobs: { send: async (job: Job) => void jobs.push(job) } } };
  await enqueueRoomsToSettle(finder);
  await enqueueGroupsToSettle(finder);
  for (const { type, payload } of jobs) {
    if (type === "bot_room.settle") await settleBotRoom(contextAt(ms), Number(payload));
    else if (type === "bot_group.settle") await settleGroup(contextAt(ms), String(payload));
    else await settleRoomCleanup(contextAt(ms), String(payload));
  }
  await settled();
}

/** The reconciler's ticks until every lease and every last look is over. */
export async function passTime(): Promise<void> {
  await settled();
  for (let look = 0; look < 3; look++) {
    timePassed += SAGA_LEASE_MS + LATE_EFFECT_MS + 1_000;
    await tickAt(timePassed);
  }
}

export interface RoomRow {
  readonly room_id: string;
  readonly mode: string;
  readonly state: string;
  readonly settle_at: number | null;
}

export const rowsOf = async (bot: RoomBot): Promise<RoomRow[]> =>
  (await bindings.DB.prepare("SELECT room_id, mode, state, settle_at FROM bot_rooms WHERE bot_id = ? ORDER BY room_id").bind(bot.id).all<RoomRow>()).results;

/** Every room that the homeserver has a bot in is one of its rows, settled, and the other way round. Answers those rooms. */
export async function expectRoomsInStep(bot: RoomBot): Promise<string[]> {
  const rows = await rowsOf(bot);
  const rooms = await roomsOf(bot.matrixId);
  expect(rows.map((row) => [row.room_id, row.state, row.settle_at])).toEqual(rooms.map((roomId) => [roomId, "joined", null]));
  return rooms;
}
