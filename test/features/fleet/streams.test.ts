import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AccountFeedDO } from "../../../durable-objects/account-feed/account-feed-do";
import { CountedSql } from "../../../durable-objects/shared/counted-sql";
import { EventLog } from "../../../durable-objects/shared/event-log";
import { handleFetch } from "../../../src/app";
import type { Env } from "../../../src/env";
import { api, BASE_URL, expectStatus, mintToken, signUpUser, type TestUser } from "../../support/client";
import { beat, feedOf, objectOf, registerMachine, StreamClient } from "../../support/machines";

const DASHBOARD = "/api/v1/dashboard/events";
const MACHINE = "/api/v1/openclaw/events";

const command = async (user: TestUser, instanceId: string): Promise<string> =>
  (await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: instanceId, command_type: "update_cli" } })).id;

/** Writes `count` events nobody saw into an object's log; answers the sequence of the last. */
const fillLog = (stub: DurableObjectStub, table: "events" | "dashboard_events", subject: number, count: number): Promise<number> =>
  runInDurableObject(stub, (_, { storage }) => {
    const log = new EventLog(new CountedSql(storage.sql), table, 1_000);
    for (let i = 0; i < count; i++) log.append(subject, { type: "noise", n: i }, Date.now());
    return log.head();
  });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a stream's beginning", () => {
  it("is a retry line and a comment at once, with headers that keep proxies from buffering", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    for (const [path, interval] of [[MACHINE, null], [`${MACHINE}?instance_id=${id}`, "300"], [DASHBOARD, null]] as const) {
      const stream = await StreamClient.open(path, user.accessToken);
      expect(stream.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(stream.response.headers.get("cache-control")).toBe("no-store");
      expect(stream.response.headers.get("x-accel-buffering")).toBe("no");
      expect(stream.response.headers.get("x-beat-interval")).toBe(interval);
      expect(stream.response.headers.get("access-control-allow-origin")).toBe("*");
      await command(user, id);
      await stream.next();
      expect(stream.raw.startsWith("retry: 2000\n: connected\n\n")).toBe(true);
      await stream.close();
    }
  });

  it("is refused with 503 and Retry-After, never 429, when this location carries enough", async () => {
    const user = await signUpUser();
    const full: Env = { ...(env as unknown as Env), MAX_STREAMS_PER_ISOLATE: "0" };
    for (const path of [MACHINE, DASHBOARD]) {
      const response = await handleFetch(new Request(BASE_URL + path, { headers: { authorization: `Bearer ${user.accessToken}` } }), full, { waitUntil: () => undefined });
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ code: "overloaded" });
    }
  });

  it("names what is wrong with the place to resume from, and ignores a header that is none", async () => {
    const user = await signUpUser();
    for (const bad of ["abc", "-1", "1.5", "9".repeat(16)]) expect(await api("GET", `${DASHBOARD}?last_event_id=${bad}`, { token: user.accessToken })).toMatchObject({ status: 422, body: { detail: [{ loc: ["query", "last_event_id"] }] } });
    for (const odd of ["abc", "-1", "1.5", "9".repeat(30)]) {
      const stream = await StreamClient.open(DASHBOARD, user.accessToken, { "last-event-id": odd });
      expect(await stream.next()).toMatchObject({ data: { type: "heartbeat.update" } });
      await stream.close();
    }
  });
});

describe("a client that was away for ten thousand events", () => {
  it("of a dashboard hears resync, gets the whole picture and goes on", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    await beat(user.accessToken, id);
    const head = await fillLog(feedOf(user), "dashboard_events", 0, 10_000);
    const behind = await StreamClient.open(DASHBOARD, user.accessToken, { "last-event-id": "1" });
    expect(await behind.next()).toMatchObject({ id: head, data: { type: "resync" } });
    expect(await behind.next()).toMatchObject({ id: head, data: { type: "heartbeat.update", machines: [{ instanceId: id }] } });
    await beat(user.accessToken, id, { gateway_status: "crashed" });
    expect(await behind.until("gateway.status.change")).toMatchObject({ id: head + 1, data: { gatewayStatus: "crashed" } });
    await behind.close();

    const justBehind = await StreamClient.open(`${DASHBOARD}?last_event_id=${head - 2}`, user.accessToken);
    const replayed = [await justBehind.next(), await justBehind.next(), await justBehind.next(), await justBehind.next()];
    expect(replayed.map((event) => [event?.id, event?.data["type"]])).toEqual([[head - 1, "noise"], [head, "noise"], [head + 1, "gateway.status.change"], [head + 1, "heartbeat.update"]]);
    await justBehind.close();
  });

  it("of a machine hears resync, then every command that it still owes, then new ones", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const waiting = await command(user, id);
    const subject = await runInDurableObject(objectOf(user, id), (_, { storage }) => Number(storage.sql.exec("SELECT id FROM machines").one()["id"]));
    const head = await fillLog(objectOf(user, id), "events", subject, 10_000);
    const behind = await StreamClient.open(`${MACHINE}?instance_id=${id}`, user.accessToken, { "last-event-id": "1" });
    expect(await behind.next()).toMatchObject({ id: head, data: { type: "resync" } });
    expect(await behind.next()).toMatchObject({ data: { type: "command", id: waiting } });
    const fresh = await command(user, id);
    expect(await behind.next()).toMatchObject({ id: head + 1, data: { type: "command", id: fresh } });
    await behind.close();
  });
});

describe("events for one machine", () => {
  it("reach its own stream, not its neighbour's, not an unknown one's", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const mine = await registerMachine(user, {}, token);
    const other = await registerMachine(user);
    const unlinked = await registerMachine(user);
    const byToken = await StreamClient.open(MACHINE, token);
    const byQuery = await StreamClient.open(`${MACHINE}?instance_id=${other}`, user.accessToken);
    const unknown = await StreamClient.open(MACHINE, user.accessToken);
    const forMine = await command(user, mine);
    const forOther = await command(user, other);
    await command(user, unlinked);
    expect(await byToken.next()).toMatchObject({ data: { id: forMine } });
    expect(await byQuery.next()).toMatchObject({ data: { id: forOther } });
    await (feedOf(user) as unknown as { publish(userId: number, event: unknown, target: string | null): Promise<void> }).publish(user.userId, { type: "pair", for: "everybody" }, null);
    expect(await unknown.next()).toMatchObject({ data: { type: "pair", for: "everybody" } });
    for (const stream of [byToken, byQuery, unknown]) await stream.close();
  });

  it("are asked for by name only by who may: unknown and foreign machines are gone, a bound token is refused", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const { token } = await mintToken(user);
    await registerMachine(user, {}, token);
    const second = await registerMachine(user);
    const ask = (instanceId: string, credential: string) => api("GET", `${MACHINE}?instance_id=${instanceId}`, { token: credential });
    expect(await ask(second, token)).toMatchObject({ status: 403, body: { code: "token_bound" } });
    expect(await ask(second, stranger.accessToken)).toMatchObject({ status: 410, body: { code: "instance_gone" } });
    expect(await ask("nobody", user.accessToken)).toMatchObject({ status: 410 });
    expect(await ask("", user.accessToken)).toMatchObject({ status: 422 });
  });

  it("show on every dashboard of the account, and on nobody else's", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const id = await registerMachine(user);
    const theirs = await StreamClient.open(DASHBOARD, stranger.accessToken);
    const dashboards = [await StreamClient.open(DASHBOARD, user.accessToken), await StreamClient.open(DASHBOARD, user.accessToken)];
    const commandId = await command(user, id);
    for (const dashboard of dashboards) expect((await dashboard.until("command.update")).data).toMatchObject({ instanceId: id, command: { id: commandId, status: "pending" } });
    const own = await registerMachine(stranger);
    await beat(stranger.accessToken, own);
    const seen = await theirs.until("machine.online");
    expect(seen.data).toMatchObject({ instanceId: own });
    expect(theirs.raw).not.toContain(id);
    for (const stream of [...dashboards, theirs]) await stream.close();
  });
});

describe("a token in the address", () => {
  it("never reaches a log line or an answer, whatever becomes of the request", async () => {
    const user = await signUpUser();
    const { id: tokenId, token } = await mintToken(user);
    const levels = (["log", "info", "warn", "error", "debug"] as const).map((level) => vi.spyOn(console, level));
    const answers: string[] = [];
    const ask = async (credential: string): Promise<number> => {
      const response = await api<unknown>("GET", `${DASHBOARD}?token=${encodeURIComponent(credential)}`);
      answers.push(JSON.stringify(response.body), JSON.stringify([...response.headers]));
      return response.status;
    };
    const good = await StreamClient.open(`${DASHBOARD}?token=${token}`, undefined);
    answers.push((await good.next(), good.raw));
    await good.close();
    const forged = `${token.slice(0, -3)}AAA`;
    expect(await ask(forged)).toBe(401);
    expect(await ask(`${user.accessToken}x`)).toBe(401);
    vi.spyOn(AccountFeedDO.prototype, "fetch").mockRejectedValue(new Error("the object broke"));
    expect(await ask(token)).toBe(500);
    vi.mocked(AccountFeedDO.prototype.fetch).mockRestore();
    await expectStatus(204, "DELETE", `/api/v1/user/cli-tokens/${tokenId}`, { token: user.accessToken });
    expect(await ask(token)).toBe(401);
    const lines = levels.flatMap((spy) => spy.mock.calls).map((call) => call.map(String).join(" "));
    expect(lines.join("\n")).toContain("the object broke");
    for (const text of [...lines, ...answers]) for (const secret of [token, forged, user.accessToken, token.slice(20, 60)]) expect(text).not.toContain(secret);
  });

  it("that is revoked ends its streams, and no others", async () => {
    const user = await signUpUser();
    const { id: tokenId, token } = await mintToken(user);
    const id = await registerMachine(user);
    const doomed = [await StreamClient.open(`${DASHBOARD}?token=${token}`, undefined), await StreamClient.open(MACHINE, token)];
    const spared = await StreamClient.open(DASHBOARD, user.accessToken);
    await expectStatus(204, "DELETE", `/api/v1/user/cli-tokens/${tokenId}`, { token: user.accessToken });
    for (const stream of doomed) while (await stream.next());
    await beat(user.accessToken, id);
    expect(await spared.until("machine.online")).toMatchObject({ data: { instanceId: id } });
    expect(await api("GET", MACHINE, { token })).toMatchObject({ status: 401, body: { code: "token_revoked" } });
    await spared.close();
  });
});
