import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { listAllBots } from "../../../src/fleet/admin-bots/admin-bots.queries";
import { ListBotsOfAllQuery } from "../../../src/fleet/admin-bots/admin-bots.schemas";
import { writeCursor } from "../../../src/kernel/db/cursor";
import { insertBot, type TestBot } from "../../support/bots";
import { api, expectStatus, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, registerMachine } from "../../support/machines";
import { costOf, fill } from "../../support/query-plans";

const { DB } = env as unknown as { DB: D1Database };
const BOTS = "/api/v1/admin/bots";

interface Listed {
  readonly bots: readonly { readonly id: string; readonly owner: { readonly email: string }; readonly [field: string]: unknown }[];
  readonly total: number;
  readonly total_is_exact: boolean;
  readonly next_cursor: string | null;
}

let admin: TestUser;
let owner: TestUser;
beforeAll(async () => {
  [admin, owner] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});

const list = (query = "") => expectStatus<Listed>(200, "GET", `${BOTS}?${query}`, { token: admin.accessToken });
const call = (method: string, path: string, body?: unknown) => api(method, path, { token: admin.accessToken, body });
const idsOf = ({ bots }: Listed) => bots.map((bot) => bot.id);
const countActive = () => DB.prepare("SELECT count(*) AS n FROM bots WHERE status = 'active'").first<number>("n");
const audit = async (subject: string) => (await DB.prepare("SELECT action, tenant_id, actor_id, detail FROM audit_log WHERE subject_type = 'bot' AND subject_id = ? ORDER BY id").bind(subject).all<{ action: string; tenant_id: number; actor_id: string; detail: string }>()).results;

describe("the list of all bots", () => {
  it("is newest first, page by page, with whose each is and where", async () => {
    const machine = await registerMachine(owner, { label: "burrow" });
    const at = Date.now() + 1_000_000;
    const bots: TestBot[] = [];
    for (let i = 0; i < 5; i++) bots.push(await insertBot(owner, { created_at: at + Math.floor(i / 2), instance_id: i === 4 ? machine : null }));
    const newest = await list("limit=5");
    expect(new Set(idsOf(newest))).toEqual(new Set(bots.map((bot) => bot.id)));
    expect(newest.bots[0]).toMatchObject({
      id: bots[4]?.id,
      owner_user_id: owner.userId,
      owner: { id: owner.userId, email: owner.email, username: owner.username },
      bot_user_id: bots[4]?.matrixId,
      bot_username: `${bots[4]?.username}_bot`,
      active: true,
      runtime: "openclaw",
      instance: { instance_id: machine, label: "burrow", online: true },
    });
    expect(newest.bots[1]).toMatchObject({ instance: null, paired_instance_id: null });
    const byNumber = [...idsOf(await list("limit=2")), ...idsOf(await list("limit=2&page=2"))];
    expect(byNumber).toEqual(idsOf(newest).slice(0, 4));
    let walked: string[] = [];
    for (let next: string | null = "", pages = 0; next !== null && pages < 3; pages++) {
      const page: Listed = await list(`limit=2${next ? `&cursor=${next}` : ""}`);
      walked = [...walked, ...idsOf(page)];
      next = page.next_cursor;
    }
    expect(walked.slice(0, 5)).toEqual(idsOf(newest));
    const past = await list("limit=200&page=100");
    expect(past).toMatchObject({ bots: [], total: newest.total, page: 100, limit: 200, next_cursor: null });
  });

  it("tells the exact total as bots come and go", async () => {
    const { total, total_is_exact: exact } = await list();
    expect([total, exact]).toEqual([await countActive(), true]);
    const [bot, young, gone] = [await insertBot(owner), await insertBot(owner, { status: "creating" }), await insertBot(owner)];
    await DB.prepare("UPDATE bots SET status = 'deleted' WHERE id = ?").bind(gone.id).run();
    expect((await list()).total).toBe(total + 1);
    await DB.prepare("UPDATE bots SET status = 'active' WHERE id = ?").bind(young.id).run();
    await DB.prepare("UPDATE bots SET name = 'same' WHERE id = ?").bind(bot.id).run();
    expect((await list()).total).toBe(total + 2);
    await DB.prepare("DELETE FROM bots WHERE id IN (?, ?)").bind(bot.id, gone.id).run();
    expect((await list()).total).toBe(total + 1);
    expect((await list()).total).toBe(await countActive());
  });

  it("finds bots by name, user name, Matrix id, id and owner", async () => {
    const person = await signUpUser();
    const name = uniqueName("Zorro ");
    const bot = await insertBot(person, { name });
    await insertBot(person, { name, status: "deleted" });
    for (const search of [name.toLowerCase(), name.slice(0, -1), bot.username, bot.username.slice(0, -2).toUpperCase(), bot.matrixId, `${bot.username}_bot`, bot.id, person.email.toUpperCase(), person.username]) {
      expect(await list(`search=${encodeURIComponent(search)}`), search).toMatchObject({ bots: [{ id: bot.id }], total: 1, total_is_exact: true });
    }
    for (const search of ["nobody-at-all", "%", "orro"]) expect(await list(`search=${encodeURIComponent(search)}`), search).toMatchObject({ bots: [], total: 0, total_is_exact: true });
    expect((await list("search=&limit=1")).total).toBe(await countActive());
  });

  it("refuses pages that nobody can mean", async () => {
    for (const query of ["page=0", "page=101", "limit=0", "limit=201", "cursor=x", `cursor=${btoa("[1]")}`]) expect(await call("GET", `${BOTS}?${query}`), query).toMatchObject({ status: 422, body: { code: "validation_error" } });
  });
});

describe("what the list costs", () => {
  const page = (query: Record<string, string>) => costOf((ctx) => listAllBots(ctx, ListBotsOfAllQuery.parse(query)));
  beforeAll(async () => {
    await fill(4_000, (numbers) => `INSERT INTO bots (id, tenant_id, username, matrix_id, name, status, device_id, created_at, updated_at)
      SELECT 'cost-' || n, ${owner.userId}, 'cost' || n, '@cost' || n || ':x', 'Costly ' || n, CASE n % 4 WHEN 0 THEN 'deleted' ELSE 'active' END, 'D', n, n FROM ${numbers}`);
  });

  it.each([
    [{}, 20],
    [{ limit: "200" }, 200],
    [{ page: "100" }, 20],
    [{ cursor: writeCursor({ at: 2_000, id: "cost-2000" }) }, 20],
    [{ search: "cost" }, 20],
    [{ search: "costly", limit: "100" }, 100],
    [{ search: "cost", page: "3" }, 20],
    [{ search: "cost", limit: "1" }, 1],
  ] as [Record<string, string>, number][])("%j: one query, no table read whole, few rows for each of %i", async (query, shown) => {
    const { result, cost } = await page(query);
    expect(result.bots).toHaveLength(shown);
    expect(cost.queries).toBe(1);
    expect(cost.scans.filter((line) => !/^SCAN (t|p|page|found|total|\(subquery-\d+\))( |$)/.test(line))).toEqual([]);
    expect(cost.plan.filter((line) => /\b(bots|users|instances)\b/.test(line) && !/USING/.test(line))).toEqual([]);
    expect(cost.rowsRead / shown, JSON.stringify(cost)).toBeLessThan(200);
  });

  it("is that of its owner's bots when the owner is what is searched for", async () => {
    const { result, cost } = await page({ search: owner.email });
    expect(result).toMatchObject({ total_is_exact: false });
    expect(cost.rowsRead / 20, JSON.stringify(cost)).toBeLessThan(200);
  });
});

describe("one bot", () => {
  it("of somebody without a user name shows none", async () => {
    const nameless = await signUpUser();
    await DB.prepare("UPDATE users SET username = '-' || sub WHERE id = ?").bind(nameless.userId).run();
    const bot = await insertBot(nameless);
    const owner = { id: nameless.userId, email: nameless.email, username: null };
    expect((await call("GET", `${BOTS}/${bot.id}`)).body).toMatchObject({ owner });
    expect(await list(`search=${bot.id}`)).toMatchObject({ bots: [{ owner }] });
  });

  it("is shown with its owner, machine, rooms and what its machine tells", async () => {
    const machine = await registerMachine(owner);
    const bot = await insertBot(owner, { instance_id: machine });
    await DB.prepare("INSERT INTO bot_rooms (tenant_id, bot_id, room_id, mode, state, created_at, updated_at) VALUES (?, ?, '!den:x', 'mention', 'joined', 1, 1)").bind(owner.userId, bot.id).run();
    expect(await call("GET", `${BOTS}/${bot.id}`)).toMatchObject({
      status: 200,
      body: { id: bot.id, owner: { id: owner.userId, email: owner.email }, paired_instance_id: machine, rooms: [{ room_id: "!den:x", mode: "mention", state: "joined" }], runtime_status: null, runtime_status_error: null },
    });
    const deleted = await insertBot(owner, { status: "deleted", deleted_at: 5 });
    expect((await call("GET", `${BOTS}/${deleted.id}`)).body).toMatchObject({ status: "deleted", active: false, deleted_at: "1970-01-01T00:00:00.005Z" });
    expect(await call("GET", `${BOTS}/nobody`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(JSON.stringify((await call("GET", `${BOTS}/${bot.id}`)).body)).not.toMatch(/sealed|token|device/i);
  });
});

describe("another runtime", () => {
  const migrate = (id: string, runtime: string) => call("POST", `${BOTS}/${id}/migrate-runtime`, { runtime });

  it("is taken where a machine of the owner has it, and written down", async () => {
    const person = await signUpUser();
    const machine = await registerMachine(person);
    const bot = await insertBot(person, { instance_id: machine });
    expect(await migrate(bot.id, "hermes")).toMatchObject({ status: 409, body: { code: "hermes_not_installed" } });
    await beat(person.accessToken, machine, { capabilities: { hermes: { installed: true } } });
    expect(await migrate(bot.id, "hermes")).toMatchObject({ status: 200, body: { ok: true, bot_id: bot.id, previous_runtime: "openclaw", runtime: "hermes", repair_needed: true } });
    expect(await migrate(bot.id, "hermes")).toMatchObject({ status: 409, body: { code: "runtime_unchanged" } });
    const row = await DB.prepare("SELECT runtime, instance_id FROM bots WHERE id = ?").bind(bot.id).first();
    expect(row).toEqual({ runtime: "hermes", instance_id: machine });
    expect(await migrate(bot.id, "openclaw")).toMatchObject({ status: 200, body: { runtime: "openclaw" } });
    const rows = await audit(bot.id);
    expect(rows.map(({ action, tenant_id, actor_id, detail }) => ({ action, tenant_id, actor_id, ...JSON.parse(detail) }))).toEqual([
      { action: "bot.migrate_runtime", tenant_id: person.userId, actor_id: String(admin.userId), before: { runtime: "openclaw" }, after: { runtime: "hermes" } },
      { action: "bot.migrate_runtime", tenant_id: person.userId, actor_id: String(admin.userId), before: { runtime: "hermes" }, after: { runtime: "openclaw" } },
    ]);
  });

  it("of an administrator's bot is a superadministrator's to choose, and the administrator's own", async () => {
    const [other, superadmin] = [await signUpUser(), await signUpUser()];
    await DB.batch([["admin", other], ["superadmin", superadmin]].map(([role, who]) => DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, (who as TestUser).userId)));
    const bot = await insertBot(other, { runtime: "hermes" });
    const as = (who: TestUser, runtime: string) => api("POST", `${BOTS}/${bot.id}/migrate-runtime`, { token: who.accessToken, body: { runtime } });
    expect(await migrate(bot.id, "openclaw")).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await audit(bot.id)).toEqual([]);
    expect(await as(other, "openclaw")).toMatchObject({ status: 200 });
    await DB.prepare("UPDATE bots SET runtime = 'hermes' WHERE id = ?").bind(bot.id).run();
    expect(await as(superadmin, "openclaw")).toMatchObject({ status: 200 });
  });

  it("is refused where nobody can mean it", async () => {
    const bot = await insertBot(owner);
    expect(await migrate(bot.id, "docker")).toMatchObject({ status: 422 });
    expect(await migrate(bot.id, "openclaw")).toMatchObject({ status: 409, body: { code: "runtime_unchanged" } });
    expect(await migrate("nobody", "hermes")).toMatchObject({ status: 404 });
    expect(await migrate((await insertBot(owner, { status: "deleted" })).id, "hermes")).toMatchObject({ status: 404 });
    expect(await audit(bot.id)).toEqual([]);
  });
});
