import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { uniqueName } from "../support/client";
import { faults, homeserver, matrix, matrixPath } from "../support/homeserver/client";
import type { FaultKind } from "../support/homeserver/faults.mjs";

const VERSION = "/_synapse/admin/v1/server_version";
const LIMIT_MS = 300;

/** Status of a call, or that there was no answer, or none in time. */
async function outcome(path = VERSION): Promise<number | "lost" | "late"> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  try {
    return (await matrix("GET", path, { signal: limit })).status;
  } catch {
    return limit.aborted ? "late" : "lost";
  }
}

beforeEach(() => faults.clear());
afterEach(() => faults.clear());

describe("faults in front of the homeserver", () => {
  it.each<[FaultKind, number | "lost" | "late", "done" | "undone"]>([
    ["refuse", "lost", "undone"],
    ["lose_answer", "lost", "done"],
    ["status_500", 500, "undone"],
    ["status_500_after", 500, "done"],
    ["status_429", 429, "undone"],
    ["hang", "late", "done"],
    ["garbage", 200, "undone"],
  ])("%s: the caller gets %s, and the call is %s", async (kind, seen, effect) => {
    const username = `${uniqueName("f")}_bot`;
    const path = matrixPath`/_matrix/client/v3/profile/${`@${username}:${homeserver.serverName}`}`;
    await faults.arm({ kind, match: /POST .*\/register$/ });
    const limit = AbortSignal.timeout(LIMIT_MS);
    const register = matrix("POST", "/_matrix/client/v3/register", { token: homeserver.asToken, body: { type: "m.login.application_service", username, inhibit_login: true }, signal: limit });
    expect(await register.then(({ status }) => status, () => (limit.aborted ? "late" : "lost"))).toBe(seen);
    expect((await matrix("GET", path)).status).toBe(effect === "done" ? 200 : 404);
    expect((await faults.calls()).calls[0]).toMatchObject({ method: "POST", path: "/_matrix/client/v3/register", status: effect === "done" ? 200 : null, fault: kind });
  });

  it("hit the calls that match, from the one that is wanted", async () => {
    await faults.arm({ kind: "status_500", match: "server_version", nth: 1, times: 2 });
    expect(await outcome("/_matrix/client/versions")).toBe(200);
    expect([await outcome(), await outcome(), await outcome(), await outcome()]).toEqual([200, 500, 500, 200]);
  });

  it("without a pattern count every call", async () => {
    await faults.arm({ kind: "refuse", nth: 1 });
    expect([await outcome(), await outcome("/_matrix/client/versions"), await outcome()]).toEqual([200, "lost", 200]);
  });

  it("say how long to wait with a 429", async () => {
    await faults.arm({ kind: "status_429" });
    expect((await matrix("GET", VERSION)).body).toMatchObject({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 3_000 });
  });

  it("record calls alike whatever their ids, and whom they were made for", async () => {
    const userId = `@${uniqueName("f")}_bot:${homeserver.serverName}`;
    const { next } = await faults.calls();
    await matrix("PUT", matrixPath`/_matrix/client/v3/rooms/${"!none:localhost"}/send/m.room.message/${uniqueName("t")}`, { as: userId, body: {} });
    expect((await faults.calls(next)).calls).toEqual([
      expect.objectContaining({ method: "PUT", path: "/_matrix/client/v3/rooms/:roomId/send/m.room.message/:txnId", as: userId, status: 403, fault: null }),
    ]);
    expect(JSON.stringify(await faults.calls())).not.toContain(homeserver.asToken);
  });

  it("refuse to be armed with what they do not know", async () => {
    await expect(faults.arm({ kind: "explode" as FaultKind })).rejects.toThrow("explode");
  });
});
