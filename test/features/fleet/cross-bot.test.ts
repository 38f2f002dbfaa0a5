import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { insertBot } from "../../support/bots";
import { api, mintToken, signUpUser } from "../../support/client";

/** Without a homeserver: what is refused before one is needed. The rest is in test/homeserver/cross-bot.test.ts. */

const { DB } = env as unknown as { DB: D1Database };
const SEND = "/api/v1/bots/cross-bot/send";
const GROUP = "/api/v1/bots/cross-bot/group-chat";

describe("bots that talk to each other, without a homeserver", () => {
  it("are checked first, then MATRIX_UNAVAILABLE, and nothing is written", async () => {
    const [user, stranger] = [await signUpUser(), await signUpUser()];
    const [mine, other, theirs, parked] = [await insertBot(user), await insertBot(user), await insertBot(stranger), await insertBot(user, { plan_disabled_at: 1 })];
    const { token } = await mintToken(user);
    const message = (from: string, to: string, more = {}) => api("POST", SEND, { token, body: { from_bot_user_id: from, to_bot_user_id: to, message: "hi", ...more } });
    const group = (from: string, targets: string[], more = {}) => api("POST", GROUP, { token, body: { from_bot_user_id: from, to_bot_user_ids: targets, question: "hi", ...more } });

    expect(await message(mine.matrixId, other.matrixId)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await group(mine.matrixId, [other.matrixId])).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await api("GET", "/api/v1/bots/cross-bot/poll-response/!r?target_bot_user_id=x", { token })).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });

    for (const answer of [await message(theirs.matrixId, mine.matrixId), await message("@nobody_bot:sett.localhost", mine.matrixId), await message(mine.matrixId, "@nobody_bot:sett.localhost"), await group(theirs.matrixId, [mine.matrixId]), await group(mine.matrixId, [theirs.matrixId])]) {
      expect(answer).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    for (const answer of [await message(parked.matrixId, mine.matrixId), await message(mine.matrixId, parked.matrixId), await group(parked.matrixId, [mine.matrixId]), await group(mine.matrixId, [parked.matrixId])]) {
      expect(answer).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
    }
    expect(await group(mine.matrixId, [mine.matrixId])).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "to_bot_user_ids"] }] } });
    expect(await group(mine.matrixId, [])).toMatchObject({ status: 422 });
    expect(await message(mine.matrixId, other.matrixId, { message: "" })).toMatchObject({ status: 422 });
    expect(await message(mine.matrixId, other.matrixId, { message: "x".repeat(16_001) })).toMatchObject({ status: 422 });
    expect(await group(mine.matrixId, [other.matrixId], { question: undefined })).toMatchObject({ status: 422 });
    expect(await api("GET", "/api/v1/bots/cross-bot/poll-response/!r", { token })).toMatchObject({ status: 422 });
    expect(await DB.prepare("SELECT count(*) AS n FROM bot_groups").first("n")).toBe(0);
  });
});
