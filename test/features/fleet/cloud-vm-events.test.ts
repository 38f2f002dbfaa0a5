import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { AccountFeedRpc } from "../../../durable-objects/account-feed/account-feed.rpc";
import type { InstanceRpc, Provisioning } from "../../../durable-objects/instance/instance.rpc";
import { handleFetch } from "../../../src/app";
import type { Env } from "../../../src/env";
import { api, BASE_URL, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, feedOf, objectOf, registerMachine, StreamClient, type SeenEvent } from "../../support/machines";

/** `GET /openclaw/cloud-vm/{id}/events`: how people watch a cloud machine come to be. */

const { DB } = env as unknown as { DB: D1Database };
const SPAN: Readonly<Record<string, readonly [number, number]>> = { create: [0, 10], boot: [10, 30], install: [30, 80], setup: [80, 90], online: [90, 100] };

interface Turn {
  readonly status: string;
  readonly step: string;
  readonly stepPercent?: number;
  readonly detail?: string;
}

/** A machine on its way, whose row and object are moved by hand. */
class Vm {
  version = 1;
  private constructor(readonly user: TestUser, readonly id: string) {}

  static async make(user: TestUser): Promise<Vm> {
    const id = await registerMachine(user);
    const vm = new Vm(user, id);
    await DB.prepare(
      `INSERT INTO cloud_vms (id, tenant_id, instance_id, name, driver, tag, cpu, ram_gb, llm_provider, server_url, status, step, step_started_at, step_deadline_at, created_at, updated_at)
       VALUES (?, ?, ?, 'demo', 'double', ?, 2, 8, 'anthropic', 'https://sett.test', 'booting', 'create', 1, 1, 1, 1)`,
    ).bind(uniqueName("vm_"), user.userId, id, uniqueName("sett-")).run();
    return vm;
  }

  /** As `cloud-vms` does it: the row first, then whoever watches. */
  async turn(turn: Turn): Promise<void> {
    await this.write(turn);
    await this.tell(turn);
  }

  async write({ status, step, stepPercent = 0, detail }: Turn): Promise<void> {
    this.version++;
    await DB.prepare("UPDATE cloud_vms SET status = ?, step = ?, step_percent = ?, detail = ?, updated_at = ?, version = ? WHERE instance_id = ?").bind(status, step, stepPercent, detail ?? null, Date.now(), this.version, this.id).run();
  }

  tell({ status, step, stepPercent = 0, detail }: Turn, seq = this.version): Promise<void> {
    const [from, to] = SPAN[step] ?? [0, 0];
    const provisioning: Provisioning = { seq, status, step, percent: status === "online" ? 100 : from + ((to - from) * stepPercent) / 100, stepPercent, detail: detail ?? null, at: Date.now() };
    return (objectOf(this.user, this.id) as unknown as InstanceRpc).setProvisioning({ userId: this.user.userId, instanceId: this.id }, provisioning);
  }

  get path(): string {
    return `/api/v1/openclaw/cloud-vm/${this.id}/events`;
  }

  watch(headers: Readonly<Record<string, string>> = {}): Promise<StreamClient> {
    return StreamClient.open(this.path, this.user.accessToken, headers);
  }
}

const brief = (event: SeenEvent | null) => event && [event.data["type"], event.data["provisionStatus"], event.data["percent"]];

async function rest(stream: StreamClient): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let event = await stream.next(); event; event = await stream.next()) seen.push(brief(event));
  return seen;
}

describe("watching a cloud machine", () => {
  it("says what is true now, then every change, then that it settled, and ends", async () => {
    const vm = await Vm.make(await signUpUser());
    await vm.turn({ status: "booting", step: "boot", stepPercent: 50, detail: "Powering on" });
    const stream = await vm.watch();
    expect(await stream.next()).toMatchObject({ id: null, data: { type: "cloud_vm.progress", instanceId: vm.id, provisionStatus: "booting", step: "boot", percent: 20, stepPercent: 50, detail: "Powering on", seq: 2 } });
    await vm.turn({ status: "installing", step: "install" });
    await vm.turn({ status: "installing", step: "install", stepPercent: 60, detail: "Unpacking" });
    await vm.turn({ status: "setup", step: "setup" });
    await vm.turn({ status: "setup", step: "online" });
    await vm.turn({ status: "online", step: "online", stepPercent: 100, detail: "Beating" });
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "installing", 30]);
    expect((await stream.next())?.data).toMatchObject({ provisionStatus: "installing", percent: 60, stepPercent: 60, detail: "Unpacking" });
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "setup", 80]);
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "setup", 90]);
    const last = await stream.next();
    expect(brief(last)).toEqual(["cloud_vm.progress", "online", 100]);
    const settled = await stream.next();
    expect(settled).toMatchObject({ id: last?.id, data: { type: "cloud_vm.settled", instanceId: vm.id, provisionStatus: "online", detail: "Beating", seq: last?.data["seq"], at: last?.data["at"] } });
    expect(await stream.next()).toBeNull();
  });

  it("finds it again after the client was killed in the middle: what was missed, and nothing twice", async () => {
    const vm = await Vm.make(await signUpUser());
    const first = await vm.watch();
    await first.next();
    await vm.turn({ status: "booting", step: "boot" });
    const seen = await first.next();
    await first.close();
    await vm.turn({ status: "installing", step: "install" });
    await vm.turn({ status: "setup", step: "setup" });
    await vm.turn({ status: "setup", step: "setup", stepPercent: 50 });
    const again = await vm.watch({ "last-event-id": String(seen?.id) });
    expect(brief(await again.next())).toEqual(["cloud_vm.progress", "setup", 85]);
    expect(brief(await again.next())).toEqual(["cloud_vm.progress", "installing", 30]);
    expect(brief(await again.next())).toEqual(["cloud_vm.progress", "setup", 80]);
    await vm.turn({ status: "failed", step: "setup", detail: "No heartbeat came" });
    expect(await rest(again)).toEqual([["cloud_vm.progress", "failed", 80], ["cloud_vm.settled", "failed", undefined]]);
    // Without a place to resume from, and by the address alone as an EventSource has it.
    const late = await StreamClient.open(`${vm.path}?token=${encodeURIComponent(vm.user.accessToken)}&named=1`, undefined);
    expect(await late.next()).toMatchObject({ event: "cloud_vm.progress", data: { provisionStatus: "failed", detail: "No heartbeat came" } });
    expect(await late.next()).toMatchObject({ event: "cloud_vm.settled", data: { provisionStatus: "failed" } });
    expect(await late.next()).toBeNull();
  });

  it("is not ended by a failure that a restart has overtaken", async () => {
    const vm = await Vm.make(await signUpUser());
    const before = await vm.watch();
    await before.next();
    await vm.turn({ status: "booting", step: "boot" });
    const seen = await before.next();
    await before.close();
    await vm.turn({ status: "failed", step: "boot", detail: "No room" });
    await vm.turn({ status: "booting", step: "boot", detail: "Starting it again" });
    const stream = await vm.watch({ "last-event-id": String(seen?.id) });
    expect((await stream.next())?.data).toMatchObject({ provisionStatus: "booting", detail: "Starting it again" });
    expect((await stream.next())?.data).toMatchObject({ type: "cloud_vm.progress", provisionStatus: "failed" });
    await vm.turn({ status: "installing", step: "install" });
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "installing", 30]);
    await stream.close();
  });

  it("misses nothing that happens while it begins, and tells nothing older than its beginning", async () => {
    const vm = await Vm.make(await signUpUser());
    // The row is ahead of what the object was told.
    await vm.write({ status: "booting", step: "boot" });
    await vm.write({ status: "installing", step: "install" });
    const stream = await vm.watch();
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "installing", 30]);
    await vm.tell({ status: "installing", step: "install" });
    await vm.turn({ status: "setup", step: "setup" });
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "setup", 80]);
    await stream.close();
  });

  it("hears only of that machine, makes none beat faster, and reads D1 once", async () => {
    const user = await signUpUser();
    const [vm, other] = [await Vm.make(user), await Vm.make(user)];
    const { token } = await mintToken(user);
    const stream = await StreamClient.open(vm.path, token);
    await stream.next();
    const prepared = vi.spyOn(DB, "prepare");
    await other.tell({ status: "installing", step: "install" }, 9);
    await beat(user.accessToken, other.id);
    expect(await (feedOf(user) as unknown as AccountFeedRpc).report(user.userId, { seq: 1, summary: (await (objectOf(user, other.id) as unknown as InstanceRpc).getSummary({ userId: user.userId, instanceId: other.id }))!, events: [], notable: false })).toMatchObject({ watchUntil: 0 });
    await vm.tell({ status: "installing", step: "install", stepPercent: 2 }, 9);
    expect((await stream.next())?.data).toMatchObject({ instanceId: vm.id, percent: 31 });
    expect(prepared.mock.calls.filter(([sql]) => sql.includes("cloud_vms"))).toEqual([]);
    prepared.mockRestore();
    await stream.close();
  });

  it("ends when the machine is gone", async () => {
    const vm = await Vm.make(await signUpUser());
    const stream = await vm.watch();
    await stream.next();
    await vm.turn({ status: "destroying", step: "boot" });
    expect(brief(await stream.next())).toEqual(["cloud_vm.progress", "destroying", 10]);
    await (feedOf(vm.user) as unknown as AccountFeedRpc).removeMachine(vm.user.userId, vm.id);
    expect(await rest(stream)).toEqual([["cloud_vm.settled", "destroyed", undefined]]);
  });

  it("is refused: unknown and foreign machines alike, no credential, a full place", async () => {
    const vm = await Vm.make(await signUpUser());
    const stranger = await signUpUser();
    const local = await registerMachine(vm.user);
    expect(await api("GET", vm.path, { token: stranger.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await api("GET", `/api/v1/openclaw/cloud-vm/${local}/events`, { token: vm.user.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await api("GET", vm.path)).toMatchObject({ status: 401 });
    expect(await api("GET", `${vm.path}?last_event_id=x`, { token: vm.user.accessToken })).toMatchObject({ status: 422 });
    const full: Env = { ...(env as unknown as Env), MAX_STREAMS_PER_ISOLATE: "0" };
    const response = await handleFetch(new Request(BASE_URL + vm.path, { headers: { authorization: `Bearer ${vm.user.accessToken}` } }), full, { waitUntil: () => undefined });
    expect([response.status, response.headers.has("retry-after")]).toEqual([503, true]);
  });
});
