import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, objectOf, registerMachine, SocketClient, StreamClient } from "../../support/machines";

interface Command {
  readonly id: string;
  readonly status: string;
  readonly commandType: string;
}
interface Status extends Command {
  readonly result: string | null;
  readonly deliveredAt: string | null;
  readonly completedAt: string | null;
}

const create = (user: TestUser, instanceId: string, type = "update_cli", headers: Record<string, string> = {}) =>
  expectStatus<Command & Record<string, unknown>>(200, "POST", "/api/v1/dashboard/commands", { token: user.accessToken, headers, body: { instance_id: instanceId, command_type: type, payload: { version: "2.0.0" } } });
const list = (user: TestUser, instanceId: string) => expectStatus<Status[] & Record<string, unknown>>(200, "GET", `/api/v1/dashboard/commands/${instanceId}`, { token: user.accessToken });
const ack = (token: string, id: string) => api("POST", `/api/v1/dashboard/commands/${id}/ack`, { token });
const result = (token: string, id: string, body: Record<string, unknown>) => api("POST", `/api/v1/dashboard/commands/${id}/result`, { token, body });

describe("commands over HTTP", () => {
  it("go pending → acknowledged → success, and are repeated until acknowledged", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    await beat(token, id);
    const command = await create(user, id);
    expect(command).toMatchObject({ status: "pending", commandType: "update_cli" });
    for (let i = 0; i < 2; i++) expect((await beat(token, id)).pending_commands).toEqual([{ id: command.id, command_type: "update_cli", payload: { version: "2.0.0" } }]);
    expect((await list(user, id))[0]).toMatchObject({ status: "pending", deliveredAt: expect.any(String) });

    expect(await ack(token, command.id)).toMatchObject({ status: 200, body: { status: "acknowledged" } });
    expect(await ack(token, command.id)).toMatchObject({ status: 200, body: { status: "acknowledged" } });
    expect((await beat(token, id)).pending_commands).toEqual([]);

    const done = { status: "success", result: "installed", new_version: "2.0.0" };
    expect(await result(token, command.id, done)).toMatchObject({ status: 200, body: { status: "success" } });
    expect(await result(token, command.id, done)).toMatchObject({ status: 200 });
    expect(await result(token, command.id, { ...done, result: "no, twice" })).toMatchObject({ status: 409, body: { code: "command_finished" } });
    expect(await ack(token, command.id)).toMatchObject({ status: 409 });
    expect((await list(user, id))[0]).toMatchObject({ status: "success", result: "installed" });
    expect(await expectStatus(200, "GET", `/api/v1/dashboard/machines/${id}`, { token })).toMatchObject({ cliVersion: "2.0.0" });
  });

  it("accepts a result without an ack, and the same Idempotency-Key once", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const key = { "idempotency-key": uniqueName("key") };
    const first = await create(user, id, "update_cli", key);
    expect((await create(user, id, "update_cli", key)).id).toBe(first.id);
    expect((await create(user, id)).id).not.toBe(first.id);
    expect(await result(user.accessToken, first.id, { status: "failed", result: "no disk" })).toMatchObject({ status: 200, body: { status: "failed" } });
  });

  it("expire after a day; a later result is kept as late", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const { id: commandId } = await create(user, id);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 24 * 3_600_000 + 1_000 });
    try {
      await runDurableObjectAlarm(objectOf(user, id));
      expect(await api("POST", `/api/v1/dashboard/commands/${commandId}/ack`, { token: user.accessToken })).toMatchObject({ status: 401 });
    } finally {
      vi.useRealTimers();
    }
    expect((await list(user, id))[0]).toMatchObject({ status: "expired", result: null });
    expect(await ack(user.accessToken, commandId)).toMatchObject({ status: 409 });
    expect(await result(user.accessToken, commandId, { status: "success", result: "too late" })).toMatchObject({ status: 200, body: { status: "expired" } });
    expect((await list(user, id))[0]).toMatchObject({ status: "expired", result: "too late" });
  });

  it("are nobody else's: strangers, other machines' tokens and invented ids get 404 or 403", async () => {
    const user = await signUpUser();
    const stranger = await signUpUser();
    const id = await registerMachine(user);
    const second = await registerMachine(user);
    const { token } = await mintToken(user);
    await beat(token, second);
    const { id: commandId } = await create(user, id);
    for (const invented of [commandId.replace(/.$/, (last) => (last === "x" ? "y" : "x")), "cmd_x_y", `cmd_${"A".repeat(43)}_0`, crypto.randomUUID()]) expect(await ack(user.accessToken, invented)).toMatchObject({ status: 404 });
    expect(await ack(stranger.accessToken, commandId)).toMatchObject({ status: 404 });
    expect(await ack(token, commandId)).toMatchObject({ status: 403, body: { code: "token_bound" } });
    expect(await api("POST", "/api/v1/dashboard/commands", { token: stranger.accessToken, body: { instance_id: id, command_type: "update_cli" } })).toMatchObject({ status: 404 });
    expect(await api("GET", `/api/v1/dashboard/commands/${id}`, { token: stranger.accessToken })).toMatchObject({ status: 404 });
    for (const body of [{}, { instance_id: id }, { instance_id: id, command_type: "leave_room" }, { instance_id: id, command_type: "update_cli", payload: "x" }]) {
      expect(await api("POST", "/api/v1/dashboard/commands", { token: user.accessToken, body })).toMatchObject({ status: 422 });
    }
    expect(await result(user.accessToken, commandId, { status: "maybe", result: "" })).toMatchObject({ status: 422 });
  });

  it("survive the object's eviction", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const { id: commandId } = await create(user, id);
    await evictDurableObject(objectOf(user, id));
    expect((await beat(user.accessToken, id)).pending_commands.map((c) => c.id)).toEqual([commandId]);
  });

  it("wait for a machine that is away: the restart is queued and the answer says so", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", user.accessToken);
    const answer = await expectStatus<{ message: string; commandId: string }>(200, "POST", "/api/v1/dashboard/gateway/restart", { token: user.accessToken, body: { instance_id: id } });
    expect(answer).toMatchObject({ ok: true, message: expect.stringContaining("queued") });
    expect((await dashboard.until("gateway.restart.requested")).data).toMatchObject({ instanceId: id, commandId: answer.commandId });
    const { pending_commands: pending } = await beat(user.accessToken, id);
    expect(pending).toEqual([{ id: answer.commandId, command_type: "restart_gateway", payload: {} }]);
    await result(user.accessToken, answer.commandId, { status: "success", result: "pid 1 → 2" });
    expect((await dashboard.until("gateway.restart.completed")).data).toMatchObject({ commandId: answer.commandId });
    await dashboard.close();
  });
});

describe("commands over links", () => {
  it("arrive on the socket at once, again at reconnect until acknowledged, and take acks and results there", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const first = await SocketClient.open(id, user.accessToken);
    await first.until("hello");
    const { id: commandId } = await create(user, id, "restart_gateway");
    const event = await first.until("event");
    expect(event).toMatchObject({ data: { type: "command", id: commandId, command_type: "restart_gateway" } });
    first.close();

    const again = await SocketClient.open(id, user.accessToken, Number(event["id"]));
    expect(await again.until("event")).toMatchObject({ id: event["id"], data: { id: commandId } });
    again.send({ t: "ack", id: commandId });
    expect(await again.until("ok")).toMatchObject({ re: "ack", id: commandId, status: "acknowledged" });
    again.send({ t: "result", id: commandId, status: "success", result: "done", new_version: null });
    expect(await again.until("ok")).toMatchObject({ re: "result", status: "success" });
    again.send({ t: "result", id: commandId, status: "failed", result: "what?" });
    expect(await again.until("error")).toMatchObject({ code: "command_finished" });
    again.send({ t: "ack", id: "cmd_nothing" });
    expect(await again.until("error")).toMatchObject({ code: "not_found" });
    again.close();
  });

  it("arrive as unnamed events of the machine's stream; Last-Event-ID resumes, a gap beyond the log says resync", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const stream = await StreamClient.open("/api/v1/openclaw/events", token);
    expect(stream.response.headers.get("x-beat-interval")).toBe("300");
    const { id: one } = await create(user, id);
    const seen = await stream.next();
    expect(seen).toMatchObject({ event: null, data: { type: "command", id: one } });
    await stream.close();

    const { id: two } = await create(user, id);
    const resumed = await StreamClient.open("/api/v1/openclaw/events", token, { "last-event-id": String(seen?.id) });
    expect(await resumed.next()).toMatchObject({ data: { id: two } });
    await resumed.close();

    const behind = await StreamClient.open("/api/v1/openclaw/events", token, { "last-event-id": "999999" });
    expect(await behind.next()).toMatchObject({ data: { type: "resync" } });
    expect(await behind.next()).toMatchObject({ data: { type: "command", id: one } });
    await behind.close();
  });

  it("reach a stream that named no machine only while the account has just that one", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const stream = await StreamClient.open("/api/v1/openclaw/events", token);
    const id = await registerMachine(user);
    const { id: commandId } = await create(user, id);
    expect(await stream.next()).toMatchObject({ data: { type: "command", id: commandId } });
    await registerMachine(user);
    await create(user, id);
    await stream.close();
    const late = await StreamClient.open("/api/v1/openclaw/events", token, { "last-event-id": "1" });
    await late.close();
  });

  it("stop at two hundred that nobody obeys", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id) as unknown as { enqueueCommand(ref: unknown, command: unknown): Promise<{ kind: string }> };
    const ref = { userId: user.userId, instanceId: id };
    for (let i = 0; i < 200; i++) await stub.enqueueCommand(ref, { type: "bot_refresh", payload: null, idempotencyKey: null });
    expect(await api("POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: id, command_type: "update_cli" } })).toMatchObject({ status: 409, body: { code: "command_queue_full" } });
    expect((await beat(user.accessToken, id)).pending_commands).toHaveLength(200);
  });
});
