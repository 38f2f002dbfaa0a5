import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { api, expectStatus, mintToken, signUpUser, uniqueName } from "../../support/client";
import { beat, beatOf, feedOf, objectOf, registerMachine, SocketClient, StreamClient } from "../../support/machines";

const { DB } = env as unknown as { DB: D1Database };

interface Machine {
  readonly instanceId: string;
  readonly isOnline: boolean;
  readonly reachable: boolean;
  readonly link: string;
  readonly offlineReason: string | null;
  readonly gatewayStatus: string;
  readonly memFreeMb: number | null;
  readonly pendingCommands: number;
  readonly lastHeartbeat: string | null;
}

const machinesOf = async (token: string): Promise<readonly Machine[]> => (await expectStatus<{ machines: Machine[] }>(200, "GET", "/api/v1/dashboard/machines", { token })).machines;
const machineOf = async (token: string, instanceId: string): Promise<Machine> => {
  const machine = (await machinesOf(token)).find((m) => m.instanceId === instanceId);
  if (!machine) throw new Error(`${instanceId} is not in the list`);
  return machine;
};

async function d1Online(instanceId: string): Promise<number | null> {
  return DB.prepare("SELECT online FROM instances WHERE instance_id = ?").bind(instanceId).first<number>("online");
}

describe("a machine's life over HTTP beats", () => {
  it("registers, comes online, says goodbye, comes back and is deleted", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);

    const fresh = await machineOf(user.accessToken, id);
    expect(fresh).toMatchObject({ isOnline: false, reachable: false, lastHeartbeat: null, link: "none" });
    expect(await expectStatus(200, "GET", "/api/v1/openclaw/status", { token })).toMatchObject([{ instance_id: id, online: true }]);

    const answer = await api("POST", "/api/v1/dashboard/heartbeat", { token, body: beatOf(id) });
    expect(answer).toMatchObject({ status: 200, body: { ok: true, pending_commands: [] } });
    expect(answer.headers.get("x-beat-interval")).toBe("30");
    expect(await machineOf(user.accessToken, id)).toMatchObject({ isOnline: true, reachable: true, gatewayStatus: "running", memFreeMb: 1_024 });
    expect(await expectStatus(200, "GET", "/api/v1/dashboard/overview", { token })).toMatchObject({ totalMachines: 1, onlineMachines: 1, totalBots: 0 });

    await beat(token, id, { gateway_status: "crashed", gateway_pid: null });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ isOnline: false, reachable: true, gatewayStatus: "crashed" });

    expect(await expectStatus(200, "POST", "/api/v1/dashboard/disconnect", { token, body: { instance_id: id } })).toEqual({ ok: true });
    expect(await expectStatus(200, "POST", "/api/v1/dashboard/disconnect", { token, body: { instance_id: id } })).toEqual({ ok: true });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ isOnline: false, reachable: false, offlineReason: "goodbye" });
    await vi.waitFor(async () => expect(await d1Online(id)).toBe(0), { timeout: 5_000 });

    await beat(token, id);
    expect(await machineOf(user.accessToken, id)).toMatchObject({ isOnline: true, offlineReason: null });
    const detail = await expectStatus<{ events: { type: string }[]; samples: unknown[] }>(200, "GET", `/api/v1/dashboard/machines/${id}`, { token });
    expect(detail.events.map((event) => event.type)).toEqual(["gateway.status.change", "machine.online", "machine.offline", "gateway.status.change", "machine.online", "machine.registered"]);

    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${id}`, { token: user.accessToken });
    expect(await machinesOf(user.accessToken)).toEqual([]);
    const gone = await api("POST", "/api/v1/dashboard/heartbeat", { token, body: beatOf(id) });
    expect(gone).toMatchObject({ status: 410, body: { code: "instance_gone" } });
    expect(gone.body["detail"]).toBe(gone.body["error"]);
    await runInDurableObject(objectOf(user, id), (_, state) => expect(state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray()).toEqual([]));
  });

  it("stores nothing for a name that was only probed, and tells foreign from own by nothing", async () => {
    const owner = await signUpUser();
    const stranger = await signUpUser();
    const id = await registerMachine(owner);
    await beat(owner.accessToken, id);
    for (const instanceId of [id, uniqueName("nobody-")]) {
      expect(await api("POST", "/api/v1/dashboard/heartbeat", { token: stranger.accessToken, body: beatOf(instanceId) })).toMatchObject({ status: 410 });
      expect(await api("POST", "/api/v1/dashboard/disconnect", { token: stranger.accessToken, body: { instance_id: instanceId } })).toMatchObject({ status: 404 });
      expect(await api("GET", `/api/v1/dashboard/machines/${instanceId}`, { token: stranger.accessToken })).toMatchObject({ status: 404 });
      expect(await api("GET", `/api/v1/openclaw/events?instance_id=${instanceId}`, { token: stranger.accessToken })).toMatchObject({ status: 410 });
      expect(await api("DELETE", `/api/v1/openclaw/instances/${instanceId}`, { token: stranger.accessToken })).toMatchObject({ status: 404 });
      await runInDurableObject(objectOf(stranger, instanceId), (_, state) => expect(state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray()).toEqual([]));
    }
    expect(await machineOf(owner.accessToken, id)).toMatchObject({ isOnline: true });
  });

  it("is offline after 75 s of silence, for reads at once and by its own alarm", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    await beat(user.accessToken, id);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 76_000 });
    try {
      expect(await machineOf(user.accessToken, id)).toMatchObject({ reachable: false, isOnline: false, offlineReason: "silence" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("bad input", () => {
  it("names the field, and a beat that is refused changes nothing", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const send = (body: unknown) => api<{ detail: { loc: unknown[]; type: string }[]; error: string }>("POST", "/api/v1/dashboard/heartbeat", { token: user.accessToken, body });
    for (const [body, loc] of [
      [{}, ["body", "instance_id"]],
      [{ instance_id: 7 }, ["body", "instance_id"]],
      [{ instance_id: "x".repeat(256) }, ["body", "instance_id"]],
      [beatOf(id, { mem_free_mb: "much" }), ["body", "mem_free_mb"]],
      [beatOf(id, { bots: [{ status: "running" }] }), ["body", "bots", 0, "bot_id"]],
      [beatOf(id, { bots: "none" }), ["body", "bots"]],
      [[], ["body"]],
    ] as const) {
      const answer = await send(body);
      expect(answer.status).toBe(422);
      expect(answer.body.detail[0]?.loc).toEqual(loc);
      expect(answer.body.error).toBe("validation_error");
    }
    expect(await send("{not json")).toMatchObject({ status: 422, body: { detail: [{ type: "json_invalid" }] } });
    expect(await send(`{"instance_id": "${"x".repeat(10 * 1024 * 1024)}"}`)).toMatchObject({ status: 413, body: { code: "payload_too_large" } });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ lastHeartbeat: null });
  });

  it("refuses no, malformed, forged and revoked credentials with 401", async () => {
    const user = await signUpUser();
    const { id: tokenId, token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    await beat(token, id);
    const tampered = token.slice(0, -2) + (token.endsWith("AA") ? "BB" : "AA");
    for (const bad of [undefined, "nonsense", tampered, `${user.accessToken}x`]) {
      const answer = await api("POST", "/api/v1/dashboard/heartbeat", { token: bad, body: beatOf(id) });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
    await expectStatus(204, "DELETE", `/api/v1/user/cli-tokens/${tokenId}`, { token: user.accessToken });
    await vi.waitFor(async () => expect((await api("POST", "/api/v1/dashboard/heartbeat", { token, body: beatOf(id) })).body).toMatchObject({ code: "token_revoked" }));
  });
});

describe("registration", () => {
  it("follows the four branches of the published order", async () => {
    const user = await signUpUser();
    const other = await signUpUser();
    const token = user.accessToken;
    const fingerprint = uniqueName("fp");
    const asked = uniqueName("openclaw-");
    // 3: without fingerprint, created by id; again is an update; somebody else's is refused
    expect(await registerMachine(user, { instance_id: asked, label: "one" })).toBe(asked);
    expect(await registerMachine(user, { instance_id: asked, label: "two" })).toBe(asked);
    expect(await api("POST", "/api/v1/openclaw/register", { token: other.accessToken, body: { instance_id: asked, label: "x", version: "1" } })).toMatchObject({ status: 403, body: { code: "instance_owned_by_other" } });
    // 2: my row without a fingerprint takes it
    expect(await registerMachine(user, { instance_id: asked, machine_fingerprint: fingerprint })).toBe(asked);
    // 1: the fingerprint wins over another asked id
    expect(await registerMachine(user, { instance_id: uniqueName("other-"), machine_fingerprint: fingerprint })).toBe(asked);
    // 4: a taken id with a fingerprint gets one of its own
    const minted = await registerMachine(other, { instance_id: asked, machine_fingerprint: uniqueName("fp") });
    expect(minted).toMatch(new RegExp(`^${asked}-[0-9a-z]{4}$`));
    // trial abuse: a fingerprint that another account used
    expect(await api("POST", "/api/v1/openclaw/register", { token: other.accessToken, body: { instance_id: uniqueName("m"), label: "x", version: "1", machine_fingerprint: fingerprint } })).toMatchObject({ status: 403, body: { code: "trial_abuse" } });
    // cap of the trial plan: three machines
    await registerMachine(user);
    await registerMachine(user);
    expect(await api("POST", "/api/v1/openclaw/register", { token, body: { instance_id: uniqueName("m"), label: "x", version: "1" } })).toMatchObject({ status: 403, body: { code: "plan_limit", limit: 3, current: 3 } });
    // saying goodbye by registering offline: only for a machine that is there
    expect(await api("POST", "/api/v1/openclaw/register", { token, body: { instance_id: uniqueName("m"), label: "x", version: "1", online: false } })).toMatchObject({ status: 404 });
    expect(await api("POST", "/api/v1/openclaw/register", { token, body: { instance_id: asked, label: "x", version: "1", online: false } })).toMatchObject({ status: 200, body: { online: false } });
  });

  it("lets two registrations of one machine at once end in one row", async () => {
    const user = await signUpUser();
    const body = { instance_id: uniqueName("openclaw-"), label: "twin", version: "1", machine_fingerprint: uniqueName("fp") };
    const answers = await Promise.all(Array.from({ length: 5 }, () => api("POST", "/api/v1/openclaw/register", { token: user.accessToken, body })));
    expect(answers.map((answer) => [answer.status, answer.body["instance_id"]])).toEqual(Array.from({ length: 5 }, () => [200, body.instance_id]));
  });

  it("binds a token to the machine that first used it", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    await registerMachine(user, {}, token);
    const second = await registerMachine(user);
    expect(await api("POST", "/api/v1/dashboard/heartbeat", { token, body: beatOf(second) })).toMatchObject({ status: 403, body: { code: "token_bound" } });
  });
});

describe("links", () => {
  it("carries a socket: hello, beats, goodbye; the newest daemon wins", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const first = await SocketClient.open(id, token);
    expect(await first.until("hello")).toMatchObject({ t: "hello", beat_ms: 900_000 });
    first.send("ping");
    expect(await first.until("pong")).toBeTruthy();
    const { instance_id: _, ...fields } = beatOf(id);
    first.send({ t: "beat", ...fields });
    expect(await first.until("beat.ok")).toMatchObject({ pending_commands: [] });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ link: "socket", isOnline: true });

    first.send("{broken");
    expect(await first.until("error")).toMatchObject({ code: "validation_error" });
    first.send({ t: "beat", gateway_pid: "x" });
    expect(await first.until("error")).toMatchObject({ re: "beat", detail: "gateway_pid: Input should be a valid integer" });

    const second = await SocketClient.open(id, token);
    expect(await first.untilClosed()).toMatchObject({ code: 4409 });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ link: "socket", isOnline: true });
    second.send({ t: "bye" });
    expect(await second.untilClosed()).toMatchObject({ code: 1000 });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ link: "none", offlineReason: "goodbye" });
  });

  it("goes offline ten seconds after its link was lost, unless it comes back", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", user.accessToken);
    const socket = await SocketClient.open(id, user.accessToken);
    const { instance_id: _, ...fields } = beatOf(id);
    socket.send({ t: "beat", ...fields });
    await dashboard.until("machine.online");
    socket.close(1001);
    expect((await dashboard.until("machine.link", (data) => data["link"] === "down")).data).toMatchObject({ instanceId: id, transport: "socket" });
    expect(await machineOf(user.accessToken, id)).toMatchObject({ reachable: true, link: "none" });
    await dashboard.until("machine.offline", (data) => data["reason"] === "link_lost");
    expect(await machineOf(user.accessToken, id)).toMatchObject({ reachable: false, offlineReason: "link_lost" });
    const again = await SocketClient.open(id, user.accessToken);
    again.send({ t: "beat", ...fields });
    await dashboard.until("machine.online");
    again.close();
    await dashboard.close();
  });

  it("answers deleted machines by closing their links", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const socket = await SocketClient.open(id, user.accessToken);
    await socket.until("hello");
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${id}`, { token: user.accessToken });
    expect(await socket.untilClosed()).toMatchObject({ code: 4410 });
  });

  it("refuses a socket without upgrade, for strangers, and for dead tokens", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const id = await registerMachine(user);
    const path = `/api/v1/openclaw/socket?instance_id=${id}`;
    expect(await api("GET", path, { token: user.accessToken })).toMatchObject({ status: 426 });
    expect(await api("GET", path, { token: stranger.accessToken, headers: { upgrade: "websocket" } })).toMatchObject({ status: 410 });
    expect(await api("GET", path, { headers: { upgrade: "websocket" } })).toMatchObject({ status: 401 });
  });

  it("cuts links and beats when their token is revoked, cascade takes the machine offline", async () => {
    const user = await signUpUser();
    const { id: tokenId, token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const socket = await SocketClient.open(id, token);
    const { instance_id: _, ...fields } = beatOf(id);
    socket.send({ t: "beat", ...fields });
    await socket.until("beat.ok");
    await expectStatus(204, "DELETE", `/api/v1/user/cli-tokens/${tokenId}?cascade=true`, { token: user.accessToken });
    expect(await socket.untilClosed()).toMatchObject({ code: 4401 });
    await vi.waitFor(async () => expect(await machineOf(user.accessToken, id)).toMatchObject({ reachable: false, offlineReason: "revoked" }));
    expect(await api("GET", `/api/v1/openclaw/events`, { token })).toMatchObject({ status: 401 });
  });
});

describe("the dashboard stream", () => {
  it("draws itself from its first event and names events when asked", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const named = await StreamClient.open(`/api/v1/dashboard/events?named=1&token=${user.accessToken}`, undefined);
    const first = await named.next();
    expect(first).toMatchObject({ event: "heartbeat.update", data: { overview: { totalMachines: 1 }, machines: [{ instanceId: id }] } });
    expect(named.raw.startsWith("retry: 2000\n: connected\n\n")).toBe(true);
    await beat(user.accessToken, id);
    const online = await named.until("machine.online");
    expect(online).toMatchObject({ event: "machine.online", data: { instanceId: id, machine: { isOnline: true }, overview: { onlineMachines: 1 } } });
    await named.close();

    await beat(user.accessToken, id, { gateway_status: "crashed" });
    const resumed = await StreamClient.open("/api/v1/dashboard/events", user.accessToken, { "last-event-id": String(online.id) });
    expect(await resumed.next()).toMatchObject({ event: null, data: { type: "gateway.status.change", gatewayStatus: "crashed", previousStatus: "running" } });
    await resumed.close();
    expect(await api("GET", "/api/v1/dashboard/events?token=nonsense")).toMatchObject({ status: 401 });
  });

  it("tells a daemon that somebody is looking", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const socket = await SocketClient.open(id, user.accessToken);
    const { instance_id: _, ...fields } = beatOf(id);
    socket.send({ t: "beat", ...fields });
    await socket.until("beat.ok");
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", user.accessToken);
    expect(await socket.until("pace")).toMatchObject({ beat_ms: 5_000 });
    socket.send({ t: "beat", ...fields, mem_free_mb: 77 });
    expect((await dashboard.until("heartbeat.update", (data) => data["instanceId"] === id)).data).toMatchObject({ machine: { memFreeMb: 77 } });
    await dashboard.close();
    socket.close();
    await runInDurableObject(feedOf(user), () => undefined);
  });
});
