import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { cloudVmTag } from "../../../src/fleet/vm-provisioning/tag";
import { enqueueReseal, noteTokenKeys, resealJob } from "../../../src/fleet/ops-keys";
import type { Ctx } from "../../../src/kernel/context";
import { seal, sealKeyId, unseal } from "../../../src/kernel/crypto/envelope";
import { parseKeyRing } from "../../../src/kernel/crypto/key-ring";
import type { Job } from "../../../src/kernel/ports/services";
import { api, expectStatus, mintToken, signUpUser, uniqueName } from "../../support/client";
import { insertBot } from "../../support/bots";
import { askWith, auditOf, expectGuarded, hireStaff, OPS, type Staff } from "../../support/ops";

const { DB, ...rest } = env as unknown as Env;
const PATH = `${OPS}/keys`;

/** The ring of the tests with a newer key before it. */
const NEW_KEY = `s2:${"A".repeat(42)}E`;
const newRing: Partial<Env> = { SEAL_KEYS: `${NEW_KEY},${rest.SEAL_KEYS ?? ""}` };
const rotated: Env = { DB, ...rest, ...newRing };
const ringOf = (text: string | undefined) => {
  const ring = parseKeyRing(text ?? "", 32);
  if (!ring) throw new Error("no ring");
  return ring;
};

let staff: Staff;
beforeAll(async () => {
  staff = await hireStaff();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await DB.prepare("DELETE FROM reseal_runs").run();
});

interface Run {
  readonly id: string;
  readonly state: string;
  readonly pass: number;
  readonly resealed: number;
  readonly unreadable: number;
  readonly left_over: number | null;
}

/** A context under `bindings` whose jobs are collected. */
function contextOf(bindings: Env, jobs: Job[] = []): Ctx {
  const ctx = createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
  return Object.defineProperty(Object.create(ctx) as Ctx, "services", { value: { jobs: { send: async (job: Job) => void jobs.push(job) } } });
}

const sealedColumns = await contextOf(rotated).sealedColumns();
const start = async () => (await askWith<Run>(newRing, staff.superadmin, "POST", `${PATH}/reseal`)).body;
const readRun = (id: string) => expectStatus<Run>(200, "GET", `${PATH}/reseal/${id}`, { token: staff.admin.accessToken });

/** Does what the queue would: every message leads to the next until none comes. */
async function work(id: string, bindings: Env = rotated): Promise<number> {
  for (let messages = 1; messages < 200; messages++) {
    const jobs: Job[] = [];
    await resealJob(contextOf(bindings, jobs), id);
    if (jobs.length === 0) return messages;
    expect(jobs).toMatchObject([{ type: "keys.reseal", payload: id }]);
  }
  throw new Error("it does not end");
}

/** Something sealed in every column. */
async function fillEverything(): Promise<void> {
  const old = ringOf(rest.SEAL_KEYS);
  const owner = await signUpUser();
  const bot = await insertBot(owner);
  const put = (text: string, context: string) => seal(old, text, context);
  const id = uniqueName("id");
  await DB.batch([
    DB.prepare("UPDATE bots SET sealed_token = ?, sealed_recovery_key = ? WHERE id = ?").bind(await put("bot token", `bot_token:${bot.id}`), await put("bot recovery", `bot_recovery_key:${bot.id}`), bot.id),
    DB.prepare("INSERT INTO recovery_keys (tenant_id, sealed_key, device_id, created_at, updated_at) VALUES (?, ?, 'D', 0, 0)").bind(owner.userId, await put("recovery", `recovery_key:${owner.userId}`)),
    DB.prepare("INSERT INTO webhook_events (id, provider, type, sealed_payload, received_at) VALUES (?, 'stripe', 't', ?, 0), (?, 'apple', 't', ?, 0)").bind(`s${id}`, await put("stripe", `webhook_events:s${id}`), `a${id}`, await put("apple", `webhook_event:a${id}`)),
    DB.prepare("INSERT INTO cli_logins (code, started, sealed_token, created_at, expires_at) VALUES (?, 1, ?, 0, 0)").bind(id, await put("login", `cli_login:${id}`)),
    DB.prepare("INSERT INTO outbox (id, type, payload, due_at, created_at) VALUES (?, 'mail.send', ?, 99999999999999, 0)").bind(id, await put("effect", `outbox:${id}`)),
    DB.prepare("INSERT INTO governance_dns_issuers (issuer_name, provider, zone, email, server, sealed_solver, has_token, created_at, updated_at) VALUES (?, 'cloudflare', 'z', 'e', 's', ?, 1, 0, 0)").bind(id, await put("solver", `dns_issuer:${id}`)),
    DB.prepare("INSERT INTO governance_provider_keys (provider, sealed_key, created_at, updated_at) VALUES ('openai', ?, 0, 0) ON CONFLICT (provider) DO UPDATE SET sealed_key = excluded.sealed_key").bind(await put("provider key", "governance_provider_key:openai")),
    DB.prepare("INSERT INTO governance_secrets (name, sealed_value, created_at, updated_at) VALUES (?, ?, 0, 0)").bind(id, await put("secret", `governance_secret:${id}`)),
    DB.prepare("INSERT INTO idempotency_keys (scope, key, request_hash, sealed_body, created_at, expires_at) VALUES ('scope', ?, '', ?, 0, 99999999999999)").bind(id, await put("answer", `idempotency:scope:${id}`)),
    DB.prepare(
      `INSERT INTO cloud_vms (id, tenant_id, instance_id, name, driver, tag, cpu, ram_gb, llm_provider, sealed_llm_key, server_url, sealed_token, status, step, step_started_at, step_deadline_at, created_at, updated_at)
       VALUES (?1, ?2, ?1, 'vm', 'orgo', ?1, 1, 4, 'gemini', ?3, 'https://sett.test', ?4, 'online', 'online', 0, 0, 0, 0)`,
    ).bind(id, owner.userId, await put("llm", `cloud_vm_llm:${id}`), await put("vm token", `cloud_vm_token:${id}`)),
  ]);
  await expectStatus(200, "POST", "/api/v1/pairing/create", { token: owner.accessToken, body: { bot_id: bot.id } });
}

async function everyValue(): Promise<{ readonly name: string; readonly value: string; readonly context: string }[]> {
  const ctx = contextOf(rotated);
  return (await Promise.all(sealedColumns.map(async (column) => (await column.list(ctx, 0, 10_000)).map((one) => ({ name: column.name, value: one.value, context: one.context }))))).flat();
}

describe("sealing anew", () => {
  it("puts every sealed value of every column under the newest key, and changes none", async () => {
    await fillEverything();
    const ring = ringOf(rotated.SEAL_KEYS);
    const open = async () => Promise.all((await everyValue()).map(async ({ name, value, context }) => `${name} ${context} ${await unseal(ring, value, context)}`));
    const before = await open();
    for (const column of sealedColumns) expect(before.some((one) => one.startsWith(`${column.name} `)), column.name).toBe(true);
    expect(before.filter((one) => one.endsWith(" null"))).toEqual([]);

    const begun = await start();
    expect(begun).toMatchObject({ state: "running", key_id: "s2", resealed: 0, started_by: staff.superadmin.userId });
    await work(begun.id);
    const done = await readRun(begun.id);
    expect(done).toMatchObject({ state: "completed", pass: 1, unreadable: 0, left_over: 0, columns_done: sealedColumns.length, columns_total: sealedColumns.length });
    expect(done.resealed).toBeGreaterThanOrEqual(before.length);
    expect((await everyValue()).map(({ value }) => sealKeyId(value))).toEqual((await everyValue()).map(() => "s2"));
    // With the old key gone everything still opens.
    const alone = ringOf(NEW_KEY);
    expect((await Promise.all((await everyValue()).map(async ({ name, value, context }) => `${name} ${context} ${await unseal(alone, value, context)}`))).toSorted()).toEqual(expect.arrayContaining(before.filter((one) => !one.startsWith("outbox.")).toSorted()));
    const audits = await auditOf("reseal_run", begun.id);
    expect(audits.map((one) => one.action)).toEqual(["keys.reseal", "keys.reseal_end"]);
    expect(audits[0]?.detail).toEqual({ before: null, after: { key_id: "s2", ring: ["s2", "s1"] } });
  });

  it("goes on where it broke off, and one of two deliveries stops", async () => {
    const old = ringOf(rest.SEAL_KEYS);
    const rows = await Promise.all(Array.from({ length: 900 }, async (_, n) => [`bulk-${n}`, await seal(old, `text ${n}`, `cli_login:bulk-${n}`)] as const));
    for (let from = 0; from < rows.length; from += 100) await DB.batch(rows.slice(from, from + 100).map(([code, value]) => DB.prepare("INSERT INTO cli_logins (code, started, sealed_token, created_at, expires_at) VALUES (?, 1, ?, 0, 0)").bind(code, value)));
    const { id } = await start();
    // A message that dies in its first commit leaves everything as it was.
    const dying = contextOf(rotated);
    vi.spyOn(dying.db, "batch").mockRejectedValueOnce(new Error("the isolate died"));
    await expect(resealJob(dying, id)).rejects.toThrow("the isolate died");
    expect(await readRun(id)).toMatchObject({ state: "running", resealed: 0 });

    const jobs: Job[] = [];
    await Promise.all([resealJob(contextOf(rotated, jobs), id), resealJob(contextOf(rotated, jobs), id), resealJob(contextOf(rotated, jobs), id)]);
    expect(new Set(jobs.map((job) => job.id)).size).toBe(jobs.length);
    // Its message was lost: the sweep finds it, once it is quiet.
    const swept: Job[] = [];
    await enqueueReseal(contextOf(rotated, swept));
    expect(swept).toEqual([]);
    await enqueueReseal(Object.defineProperty(contextOf(rotated, swept), "clock", { value: { now: () => Date.now() + 180_000 } }));
    expect(swept).toMatchObject([{ type: "keys.reseal", payload: id }]);
    await work(id);
    expect(await readRun(id)).toMatchObject({ state: "completed", left_over: 0 });
    for (const { value, context } of (await everyValue()).filter((one) => one.context.startsWith("cli_login:bulk-"))) expect(await unseal(ringOf(NEW_KEY), value, context)).toBe(`text ${context.slice(15)}`);
    await DB.prepare("DELETE FROM cli_logins WHERE code LIKE 'bulk-%'").run();
  });

  it("never overwrites what changed meanwhile, and leaves versions alone", async () => {
    const old = ringOf(rest.SEAL_KEYS);
    const owner = await signUpUser();
    const bot = await insertBot(owner);
    await DB.prepare("UPDATE bots SET sealed_token = ? WHERE id = ?").bind(await seal(old, "first", `bot_token:${bot.id}`), bot.id).run();
    const version = await DB.prepare("SELECT version FROM bots WHERE id = ?").bind(bot.id).first("version");
    const column = sealedColumns.find((one) => one.name === "bots.sealed_token");
    const read = (await column?.list(contextOf(rotated), 0, 10_000))?.find((one) => one.context === `bot_token:${bot.id}`);
    if (!column || !read) throw new Error("the value is not listed");
    const newer = await seal(old, "second", `bot_token:${bot.id}`);
    await DB.prepare("UPDATE bots SET sealed_token = ? WHERE id = ?").bind(newer, bot.id).run();
    await column.replace(contextOf(rotated), read, "v1.s2.overwritten.value");
    expect(await DB.prepare("SELECT sealed_token FROM bots WHERE id = ?").bind(bot.id).first("sealed_token")).toBe(newer);
    const { id } = await start();
    await work(id);
    const row = await DB.prepare("SELECT sealed_token, version FROM bots WHERE id = ?").bind(bot.id).first<{ sealed_token: string; version: number }>();
    expect(await unseal(ringOf(NEW_KEY), row?.sealed_token ?? "", `bot_token:${bot.id}`)).toBe("second");
    expect(row?.version).toBe(version);
  });

  it("walks again for what was written back behind it", async () => {
    const old = ringOf(rest.SEAL_KEYS);
    const [first, behind] = [uniqueName("a"), uniqueName("b")];
    await DB.prepare("INSERT INTO cli_logins (code, started, sealed_token, created_at, expires_at) VALUES (?, 1, ?, 0, 0)").bind(first, await seal(old, "x", `cli_login:${first}`)).run();
    const { id } = await start();
    // Already past that column when somebody with the old ring writes.
    await DB.prepare("UPDATE reseal_runs SET column_name = 'idempotency_keys.sealed_body', after_rowid = 99999999 WHERE id = ?").bind(id).run();
    await DB.prepare("INSERT INTO cli_logins (code, started, sealed_token, created_at, expires_at) VALUES (?, 1, ?, 0, 0)").bind(behind, await seal(old, "y", `cli_login:${behind}`)).run();
    await work(id);
    expect(await readRun(id)).toMatchObject({ state: "completed", pass: 2, left_over: 0 });
  });

  it("ends incomplete when a value opens with no key, and says how many", async () => {
    const code = uniqueName("lost");
    await DB.prepare("INSERT INTO cli_logins (code, started, sealed_token, created_at, expires_at) VALUES (?, 1, 'v1.gone.AAAAAAAAAAAAAAAA.AAAA', 0, 0)").bind(code).run();
    const { id } = await start();
    await work(id);
    expect(await readRun(id)).toMatchObject({ state: "incomplete", unreadable: 1, left_over: 1 });
    expect(await DB.prepare("SELECT sealed_token FROM cli_logins WHERE code = ?").bind(code).first("sealed_token")).toBe("v1.gone.AAAAAAAAAAAAAAAA.AAAA");
    const { body } = await askWith<{ seal_keys: { by_column: unknown[] } }>(newRing, staff.admin, "GET", PATH);
    expect(body.seal_keys.by_column).toContainEqual({ column: "cli_logins.sealed_token", key_id: "gone", count: 1 });
    await DB.prepare("DELETE FROM cli_logins WHERE code = ?").bind(code).run();
  });

  it("runs once at a time, and stops when the newest key is another one", async () => {
    const begun = await Promise.all([start(), start(), start()]);
    expect(new Set(begun.map((run) => run.id)).size).toBe(1);
    const id = begun[0]?.id ?? "";
    await resealJob(contextOf({ DB, ...rest }), id);
    expect(await readRun(id)).toMatchObject({ state: "incomplete", resealed: 0 });
    expect((await start()).id).not.toBe(id);
    expect((await api<{ runs: Run[] }>("GET", `${PATH}/reseal?limit=1`, { token: staff.admin.accessToken })).body.runs).toHaveLength(1);
    expect(await api("GET", `${PATH}/reseal/${uniqueName("rsl_")}`, { token: staff.admin.accessToken })).toMatchObject({ status: 404 });
  });
});

describe("keys", () => {
  it("are told with what needs them, and never shown", async () => {
    await DB.prepare("DELETE FROM cli_logins").run();
    const { id } = await mintToken(await signUpUser());
    expect(await DB.prepare("SELECT key_id FROM cli_tokens WHERE id = ?").bind(id).first("key_id")).toBe("t1");
    const more: Partial<Env> = { SEAL_KEYS: `${rotated.SEAL_KEYS ?? ""},s0:${"B".repeat(42)}E`, TOKEN_KEYS: `t2:${"C".repeat(42)}E,${rest.TOKEN_KEYS ?? ""}` };
    const { status, body } = await askWith<{ seal_keys: { keys: { key_id: string }[] }; token_keys: { keys: { key_id: string; in_use: number }[]; unknown: number }; signing_keys: unknown }>(more, staff.admin, "GET", PATH);
    expect(status).toBe(200);
    expect(body.seal_keys.keys.map((one) => one.key_id)).toEqual(["s2", "s1", "s0"]);
    expect(body.seal_keys.keys[0]).toMatchObject({ is_active: true, safe_to_drop: false });
    expect(body.seal_keys.keys[2]).toEqual({ key_id: "s0", is_active: false, in_use: 0, safe_to_drop: true, note: null });
    expect(body.token_keys).toMatchObject({ unknown: 0, keys: [{ key_id: "t2", is_active: true, in_use: 0 }, { key_id: "t1", is_active: false, safe_to_drop: false }] });
    expect(body.token_keys.keys[1]?.in_use).toBeGreaterThanOrEqual(1);
    expect(body.signing_keys).toEqual({ keys: [{ key_id: "test-1", is_active: true }] });
    for (const secret of [NEW_KEY.slice(3), rest.SEAL_KEYS?.slice(3) ?? "?", "70FbTgg-"]) expect(JSON.stringify(body)).not.toContain(secret);
    // A token from before keys were noted could need any of them.
    await DB.prepare("UPDATE cli_tokens SET key_id = NULL").run();
    const later = await askWith<typeof body>(more, staff.admin, "GET", PATH);
    expect(later.body.token_keys).toMatchObject({ keys: [{ key_id: "t2" }, { key_id: "t1", in_use: 0, safe_to_drop: false }] });
    expect(later.body.token_keys.unknown).toBeGreaterThanOrEqual(1);
  });

  it("of tokens may go only when no computer's name and no address of a file can need them", async () => {
    await DB.batch([DB.prepare("UPDATE cli_tokens SET revoked_at = 1"), DB.prepare("DELETE FROM cloud_vms"), DB.prepare("DELETE FROM idle_token_keys")]);
    const more: Partial<Env> = { TOKEN_KEYS: `t2:${"C".repeat(42)}E,${rest.TOKEN_KEYS ?? ""}` };
    const oldKey = async () => (await askWith<{ token_keys: { keys: { safe_to_drop: boolean; note: string | null }[] } }>(more, staff.admin, "GET", PATH)).body.token_keys.keys[1];
    expect(await oldKey()).toMatchObject({ in_use: 0, safe_to_drop: false, note: expect.stringContaining("hourly tick") });
    await noteTokenKeys(contextOf({ DB, ...rest, ...more }));
    expect(await oldKey()).toMatchObject({ safe_to_drop: false, note: expect.stringContaining("Addresses of files") });
    const rested = () => DB.prepare("UPDATE idle_token_keys SET since = since - 9 * 86400000 WHERE key_id = 't1'").run();
    await rested();
    await noteTokenKeys(contextOf({ DB, ...rest, ...more }));
    expect(await oldKey()).toEqual({ key_id: "t1", is_active: false, in_use: 0, safe_to_drop: true, note: null });

    // A computer that the reconciler found without a machine, known by its name alone.
    const tag = await cloudVmTag(ringOf(rest.TOKEN_KEYS), "11111111-2222-4333-8444-555555555555");
    const find = (kind: string, resolvedAt: number | null) =>
      DB.prepare("INSERT OR REPLACE INTO reconcile_findings (kind, subject, driver, detail, first_seen_at, last_seen_at, resolved_at) VALUES (?, 'c', 'orgo', ?, 1, 1, ?)").bind(kind, JSON.stringify(kind === "orphan_computer" ? { name: tag } : { failures: 3 }), resolvedAt).run();
    await find("orphan_computer", null);
    expect(await oldKey()).toMatchObject({ safe_to_drop: false, note: expect.stringContaining("Cloud computers") });
    await find("orphan_computer", 5);
    await find("provider_unreachable", null);
    expect(await oldKey()).toMatchObject({ safe_to_drop: false, note: expect.stringContaining("provider") });
    await DB.prepare("DELETE FROM reconcile_findings").run();
    await fillEverything();
    await DB.batch([DB.prepare("UPDATE cli_tokens SET revoked_at = 1"), DB.prepare("UPDATE cloud_vms SET tag = ?").bind(tag)]);
    expect(await oldKey()).toMatchObject({ safe_to_drop: false, note: expect.stringContaining("Cloud computers") });
    await DB.prepare("UPDATE cloud_vms SET status = 'destroyed'").run();
    expect(await oldKey()).toMatchObject({ safe_to_drop: true });

    // The newest key again for a while: its rest begins anew.
    await noteTokenKeys(contextOf({ DB, ...rest }));
    await noteTokenKeys(contextOf({ DB, ...rest, ...more }));
    expect(await oldKey()).toMatchObject({ safe_to_drop: false, note: expect.stringContaining("Addresses of files") });
  });

  it("are seen by any administrator, and changed by a superadministrator", async () => {
    await expectGuarded(staff, [PATH, `${PATH}/reseal`, `${PATH}/reseal/x`], [["POST", `${PATH}/reseal`]]);
  });
});
