import { effectHandlers } from "../../../src/effects";
import { advanceVmJob, enqueueVmsToSettle, followInstance } from "../../../src/fleet/vm-provisioning";
import { recordInstanceProjection } from "../../../src/fleet/instances";
import { forgetEntitlements } from "../../../src/fleet/plans";
import { checkEntitlementJob, destroyComputerJob, enqueueAllEntitlementChecks, enqueueEntitlementChecks, enqueueReconcile, reconcileProvider } from "../../../src/fleet/vm-reconcile";
import { createOrgo } from "../../../src/integrations/orgo/orgo";
import { MINUTE_MS, SECOND_MS } from "../../../src/kernel/clock";
import type { Ctx, OwnerCtx } from "../../../src/kernel/context";
import { consumeMessage, type JobHandlers } from "../../../src/kernel/jobs/consume";
import { deliverEffect, listDueEffects } from "../../../src/kernel/outbox/drain";
import type { Compute } from "../../../src/kernel/ports/compute";
import type { TestUser } from "../client";
import { Daemons, type Scene } from "./daemons";
import { orgo } from "./provider";
import { Counter, Killed, Run } from "./run";
import { bindings, pass, takeOver, type Sent } from "./time";

/** The whole product around cloud machines in the hands of a test: its owner, its queue, its ticks, its machines, and time. */

/** How often the provider is compared with our rows: what nobody wants is gone after this. */
export const RECONCILE_MS = 5 * MINUTE_MS;
const MAX_ATTEMPTS = 6;
/** When a message of a worker that died comes again. */
const REDELIVERY_MS = 30 * SECOND_MS;
/** No machine is silent for longer than this while time passes. */
const BEAT_MS = 60 * SECOND_MS;
/** A machine that is up is looked at now and then; when that is further off than this nothing is under way. */
const FAR_MS = 10 * MINUTE_MS;
/** Whoever fell silent is known to be silent after this. */
const NOTICED_MS = 90 * SECOND_MS;

const handlers: JobHandlers = {
  "cloud_vm.advance": async () => advanceVmJob,
  "cloud_vm.destroy_computer": async () => destroyComputerJob,
  "cloud_vms.reconcile": async () => reconcileProvider,
  "cloud_vms.entitle": async () => checkEntitlementJob,
  "instance.project": async () => async (ctx, payload) => {
    await recordInstanceProjection(ctx, payload);
    await followInstance(ctx, payload);
  },
};

/** How messages travel. `lost`: only what the sweeps find goes on. `twice`: one after the other; `together`: at the same time. `late`: after whatever was sent later. */
export type Delivery = "once" | "lost" | "twice" | "together" | "late";

export interface VmRow {
  readonly id: string;
  readonly tenant_id: number;
  readonly instance_id: string;
  readonly name: string;
  readonly tag: string;
  readonly status: string;
  readonly step: string;
  readonly computer_id: string | null;
  readonly token_id: string | null;
  readonly detail: string | null;
  readonly last_error: string | null;
  readonly settle_at: number | null;
  readonly unpaid_since: number | null;
  readonly version: number;
}

/** Whether it is up or failed, and nothing is under way. */
export const isAtRest = ({ status, settle_at: at }: Pick<VmRow, "status" | "settle_at">): boolean => (status === "online" && (at === null || at > Date.now() + FAR_MS)) || (status === "failed" && at === null);

const ROWS = "SELECT id, tenant_id, instance_id, name, tag, status, step, computer_id, token_id, detail, last_error, settle_at, unpaid_since, version FROM cloud_vms ORDER BY created_at, id";

/** Tables that one life leaves something in; emptied before the next. */
const TABLES = ["cloud_vms", "instances", "cli_tokens", "cli_token_events", "outbox", "pairings", "reconcile_findings", "processed_messages", "dead_letters", "cron_runs", "user_cloud_vm_addons"];

export class World {
  readonly counter = new Counter();
  readonly daemons = new Daemons();
  delivery: Delivery = "once";
  #messages: Sent[] = [];
  #compute: Compute = this.#driver(2_000);
  /** Computers that nobody answers for, since when (ms). */
  readonly #strays = new Map<string, number>();
  /** Since when the provider and the workers are well (ms). */
  #wellSince = 0;
  readonly complaints: string[] = [];
  /** Every answer that a person got. */
  readonly said: unknown[] = [];

  constructor(readonly owner: TestUser) {
    takeOver((sent) => {
      if (this.delivery !== "lost" || sent.job.type !== "cloud_vm.advance") this.#messages.push(sent);
    });
  }

  /** A client of the provider as a new isolate has it. @param timeoutMs of each call */
  #driver(timeoutMs: number): Compute {
    const driver = createOrgo({ driver: "orgo", apiKey: String(bindings.ORGO_API_KEY), baseUrl: String(bindings.ORGO_BASE_URL), workspaceName: "sett", timeoutMs }, { retryWaitsMs: [] });
    return { ...driver, run: (id, command, ms) => driver.run(id, command, Math.min(ms, timeoutMs)) };
  }

  /** Empties everything but the owner. @param timeoutMs of the provider's calls: short where some never answer */
  async begin({ timeoutMs = 2_000, delivery = "once" as Delivery } = {}): Promise<void> {
    await bindings.DB.batch(TABLES.map((table) => bindings.DB.prepare(`DELETE FROM ${table}`)));
    await orgo.reset();
    forgetEntitlements(null);
    this.#compute = this.#driver(timeoutMs);
    this.#messages = [];
    this.#strays.clear();
    this.complaints.length = 0;
    this.daemons.forget();
    this.delivery = delivery;
    this.counter.arm(null);
    this.counter.pace = null;
    this.well();
  }

  /** From now on things are broken on purpose, so that nothing is said about how long they take. */
  ill(): void {
    this.#wellSince = Infinity;
  }

  /** From now on nothing is broken on purpose. */
  well(): void {
    this.#wellSince = Date.now();
  }

  run(label: string): Run {
    return new Run(this.counter, label, this.#compute);
  }

  /** What a person asks; `killed` when the worker died on it, so that the person got no answer. */
  async act<T>(label: string, work: (ctx: OwnerCtx) => Promise<T>): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly killed: boolean; readonly error: unknown }> {
    const actor = { type: "user", userId: this.owner.userId, sub: String(this.owner.userId), sessionId: null, epoch: 0, role: "user", expiresAt: Date.now() + MINUTE_MS } as const;
    const run = this.run(label);
    const outcome = await run.do(actor, (ctx) => work({ ...ctx, actor }));
    this.said.push(outcome.ok ? outcome.value : outcome.error);
    if (run.isDead) return { ok: false, killed: true, error: new Killed("no answer") };
    return outcome.ok ? outcome : { ok: false, killed: false, error: outcome.error };
  }

  async tick(label: string, work: (ctx: Ctx) => Promise<void>): Promise<void> {
    await this.run(label).do({ type: "system", job: `cron:${label}` }, work);
  }

  async deliver(sent: Sent): Promise<void> {
    const run = this.run(sent.job.type);
    const again = (ms: number): void => {
      sent.dueAt = Date.now() + ms;
      sent.attempts += 1;
      if (sent.attempts < MAX_ATTEMPTS) this.#messages.push(sent);
    };
    let isOver = false;
    const message = {
      id: sent.job.id,
      timestamp: new Date(),
      body: sent.job,
      attempts: sent.attempts + 1,
      ack: () => void (isOver = true),
      retry: ({ delaySeconds = 0 } = {}) => {
        isOver = true;
        again(delaySeconds * SECOND_MS);
      },
    };
    await run.do({ type: "system", job: "queue" }, (ctx) => consumeMessage(ctx, handlers, message as unknown as Message, false));
    if (!isOver || run.isDead) again(REDELIVERY_MS);
  }

  /** Handles the messages that are due. @returns whether there were any */
  async deliverDue(): Promise<boolean> {
    const due = this.#messages.filter(({ dueAt }) => dueAt <= Date.now()).sort((a, b) => a.dueAt - b.dueAt);
    if (this.delivery === "late") due.reverse();
    this.#messages = this.#messages.filter((sent) => !due.includes(sent));
    for (const sent of due) {
      if (this.delivery === "together") await Promise.all([this.deliver(sent), this.deliver({ ...sent, attempts: MAX_ATTEMPTS })]);
      else await this.deliver(sent);
      if (this.delivery === "twice") await this.deliver({ ...sent, attempts: MAX_ATTEMPTS });
    }
    return due.length > 0;
  }

  sweep = (): Promise<void> =>
    this.tick("sweep", async (ctx) => {
      for (const id of await listDueEffects(ctx, 100)) await deliverEffect(ctx, effectHandlers, id);
      // What the sweep finds arrives even where messages are lost.
      const before = this.delivery;
      this.delivery = before === "lost" ? "once" : before;
      try {
        await enqueueVmsToSettle(ctx);
      } finally {
        this.delivery = before;
      }
    });
  reconcile = (): Promise<void> =>
    this.tick("reconcile", async (ctx) => {
      await enqueueReconcile(ctx);
      await enqueueEntitlementChecks(ctx);
    });
  checkEverybody = (): Promise<void> => this.tick("hour", enqueueAllEntitlementChecks);

  /** Lets time pass, with machines beating. @param to ms */
  async advanceTo(to: number): Promise<void> {
    while (Date.now() < to) {
      pass(Math.min(to, Date.now() + BEAT_MS));
      await this.daemons.beat();
    }
  }

  async look(): Promise<{ readonly rows: readonly VmRow[]; readonly dueAt: number | null; readonly scene: Scene }> {
    const [[rows, outbox], scene] = await Promise.all([
      bindings.DB.batch<VmRow & { at: number | null }>([bindings.DB.prepare(ROWS), bindings.DB.prepare("SELECT MIN(due_at) AS at FROM outbox WHERE parked_at IS NULL")]),
      orgo.scene(),
    ]);
    const dues = [...(rows?.results ?? []).map((row) => (isAtRest(row) ? null : row.settle_at)), outbox?.results[0]?.at ?? null].filter((at) => at !== null);
    return { rows: rows?.results ?? [], dueAt: dues.length === 0 ? null : Math.min(...dues), scene };
  }

  /** Rows as the last step found them. */
  seen: readonly VmRow[] = [];

  /** What is due now happens, else time passes until something is. @returns whether anything was under way */
  async step(): Promise<boolean> {
    const { rows, dueAt, scene } = await this.look();
    this.seen = rows;
    this.#watch(rows, scene);
    await this.daemons.live(scene.daemons);
    for (const row of rows) if (row.status === "online" && !scene.daemons.some(({ id }) => id === row.computer_id && !this.daemons.silent.has(id))) await this.daemons.ring(row);
    if (await this.deliverDue()) return true;
    const now = Date.now();
    const messageAt = Math.min(Infinity, ...this.#messages.map((sent) => sent.dueAt));
    const sweepAt = dueAt === null ? Infinity : Math.ceil(Math.max(dueAt, now + 1) / MINUTE_MS) * MINUTE_MS;
    const next = Math.min(messageAt, sweepAt);
    if (next === Infinity) return false;
    // Ticks of five minutes come in between, whatever else is under way.
    const slot = nextSlot(now);
    await this.advanceTo(Math.min(next, slot));
    if (Date.now() >= slot) await this.reconcile();
    if (Date.now() >= sweepAt) await this.sweep();
    return true;
  }

  /** Lets time pass until the rows are so. */
  async until(isSo: (rows: readonly VmRow[]) => boolean, maxSteps = 400): Promise<void> {
    for (let steps = 0; ; steps++) {
      if (steps > maxSteps) throw new Error(`it never came: ${JSON.stringify(this.seen)}`);
      const isMoving = await this.step();
      if (isSo(this.seen)) return;
      if (isMoving) continue;
      await this.advanceTo(nextSlot(Date.now()));
      await this.reconcile();
    }
  }

  /** Lets time pass until nothing is under way. */
  async rest(maxSteps = 400): Promise<void> {
    for (let steps = 0; await this.step(); steps++) if (steps > maxSteps) throw new Error(`no rest after ${maxSteps} steps: ${JSON.stringify(await this.rows())}`);
  }

  /** {@link rest}, and then compares with the provider until that finds nothing. */
  async restAndCompare(): Promise<void> {
    do {
      await this.rest();
      const from = Date.now();
      do {
        await this.advanceTo(nextSlot(Date.now()));
        await this.reconcile();
        await this.deliverDue();
      } while (Date.now() - from < NOTICED_MS);
    } while (await this.step());
  }

  /** {@link rest}; whatever is at rest but not as it should be is left to the next comparison with the provider. */
  async calm(): Promise<void> {
    if (this.seen.some(({ status }) => status === "destroyed")) await this.age();
    await this.rest();
    const { rows, scene } = await this.look();
    if (rows.length !== scene.alive.length || rows.some(({ status }) => status !== "online")) await this.restAndCompare();
  }

  /** Makes tombstones as old as they get: nothing of them can come to be any more, and the next look is their last. */
  async age(): Promise<void> {
    const now = Date.now();
    await bindings.DB.prepare("UPDATE cloud_vms SET destroyed_at = ?, settle_at = ? WHERE status = 'destroyed'").bind(now - 15 * MINUTE_MS, now).run();
  }

  async rows(): Promise<readonly VmRow[]> {
    return (await bindings.DB.prepare(ROWS).all<VmRow>()).results;
  }

  async row(instanceId?: string): Promise<VmRow> {
    const found = (await this.rows()).find((row) => instanceId === undefined || row.instance_id === instanceId);
    if (!found) throw new Error(`no machine ${instanceId ?? ""}`);
    return found;
  }

  /** Notes what must never be: a computer that nobody answers for, for longer than a reconcile period, while all is well. */
  #watch(rows: readonly VmRow[], { alive }: Scene): void {
    const wanted = (name: string, id: string): boolean =>
      !name.startsWith("sett-") || rows.some((row) => row.tag === name && row.status !== "destroying" && row.status !== "destroyed" && (row.computer_id === null || row.computer_id === id));
    // What the provider deletes it has taken: how long that takes is its own affair.
    const strays = alive.filter(({ name, id, status }) => status !== "deleting" && !wanted(name, id));
    for (const id of this.#strays.keys()) if (!strays.some((one) => one.id === id)) this.#strays.delete(id);
    for (const { id, name } of strays) {
      const first = this.#strays.get(id) ?? Date.now();
      this.#strays.set(id, first);
      const since = Math.max(first, this.#wellSince);
      if (Date.now() - since > RECONCILE_MS + 5 * SECOND_MS) this.complaints.push(`${name} (${id}) was there for ${Math.round((Date.now() - since) / SECOND_MS)} s although nobody wants it`);
    }
  }
}

const nextSlot = (now: number): number => (Math.floor(now / RECONCILE_MS) + 1) * RECONCILE_MS;
