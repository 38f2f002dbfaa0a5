import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { listAllInstances, listFingerprintCollisions } from "../../../src/fleet/admin-instances/admin-instances.queries";
import { ListInstancesOfAllQuery } from "../../../src/fleet/admin-instances/admin-instances.schemas";
import { writeCursor } from "../../../src/kernel/db/cursor";
import { insertBot } from "../../support/bots";
import { api, expectStatus, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, beatOf, registerMachine } from "../../support/machines";
import { setPlan } from "../../support/plans";
import { costOf, fill } from "../../support/query-plans";

const { DB } = env as unknown as { DB: D1Database };
const INSTANCES = "/api/v1/admin/openclaw/instances";
const COLLISIONS = "/api/v1/admin/instance-fingerprint-collisions";

interface Listed {
  readonly instances: readonly { readonly instance_id: string; readonly [field: string]: unknown }[];
  readonly total: number;
  readonly next_cursor: string | null;
}
interface Collision {
  readonly machine_fingerprint: string;
  readonly user_count: number;
  readonly users: readonly { readonly user_id: number; readonly instance_ids: readonly string[] }[];
}

let admin: TestUser;
let owner: TestUser;
beforeAll(async () => {
  [admin, owner] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
  await setPlan(owner, "team");
});

const call = <T = Record<string, unknown>>(method: string, path: string) => api<T>(method, path, { token: admin.accessToken });
const list = async (query = "") => expectStatus<Listed>(200, "GET", `${INSTANCES}?${query}`, { token: admin.accessToken });
const idsOf = ({ instances }: Listed) => instances.map((one) => one.instance_id);
const collisions = async () => (await expectStatus<{ collisions: Collision[] }>(200, "GET", `${COLLISIONS}?limit=500`, { token: admin.accessToken })).collisions;
const count = (table: string, where: string, ...values: unknown[]) => DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).bind(...values).first<number>("n");

describe("the list of all machines", () => {
  it("is newest first, page by page, with owners and bots, and an exact total", async () => {
    const machines = [await registerMachine(owner), await registerMachine(owner, { label: "Warren", machine_fingerprint: uniqueName("fp") })];
    const bot = await insertBot(owner, { instance_id: machines[1] ?? null });
    const first = await list("limit=2");
    expect(idsOf(first)).toEqual(machines.toReversed());
    expect(first.instances[0]).toMatchObject({
      label: "Warren",
      user_id: owner.userId,
      owner: { id: owner.userId, email: owner.email, username: owner.username },
      online: true,
      is_cloud: false,
      bots: [{ id: bot.id, bot_username: `${bot.username}_bot`, bot_user_id: bot.matrixId, runtime: "openclaw" }],
      has_more_bots: false,
    });
    expect(first.total).toBe(await count("instances", "true"));
    expect(idsOf(await list("limit=1&page=2"))).toEqual([machines[0]]);
    expect(idsOf(await list(`limit=1&cursor=${(await list("limit=1")).next_cursor}`))).toEqual([machines[0]]);
    expect(await list("page=100&limit=200")).toMatchObject({ instances: [], total: first.total, next_cursor: null });
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${machines[0]}`, { token: owner.accessToken });
    expect((await list()).total).toBe(first.total - 1);
  });

  it("finds machines by id, label, fingerprint and owner", async () => {
    const person = await signUpUser();
    const [label, fingerprint] = [uniqueName("Sett of "), uniqueName("fp-")];
    const machine = await registerMachine(person, { label, machine_fingerprint: fingerprint });
    for (const search of [machine, machine.slice(0, -1), label.toUpperCase(), fingerprint, person.email, person.username]) {
      expect(await list(`search=${encodeURIComponent(search)}`), search).toMatchObject({ instances: [{ instance_id: machine }], total: 1, total_is_exact: true });
    }
    for (const search of ["nothing-like-it", "%", "_"]) expect((await list(`search=${encodeURIComponent(search)}`)).total, search).toBe(0);
    for (const query of ["page=101", "limit=201", "cursor=x"]) expect((await call("GET", `${INSTANCES}?${query}`)).status, query).toBe(422);
  });
});

describe("what the lists cost", () => {
  const page = (query: Record<string, string>) => costOf((ctx) => listAllInstances(ctx, ListInstancesOfAllQuery.parse(query)));
  beforeAll(async () => {
    const crowd = 900_000_000;
    await fill(3_000, (numbers) => `INSERT INTO instances (tenant_id, instance_id, label, registered_version, machine_fingerprint, capabilities, online, online_changed_at, created_at, updated_at)
      SELECT ${crowd} + n, 'cost-' || n, 'Costly ' || n, '1', 'cost-fp-' || (n % 1000), '{}', 0, n, n, n FROM ${numbers}`);
    await fill(3_000, (numbers) => `INSERT INTO fingerprint_history (fingerprint, tenant_id, instance_id, first_seen_at) SELECT CASE WHEN n % 10 < 2 THEN 'cost-fp-' || (n / 10) ELSE 'cost-own-' || n END, ${crowd} + n, 'cost-' || n, n FROM ${numbers}`);
    await fill(2_000, (numbers) => `INSERT INTO bots (id, tenant_id, username, matrix_id, name, status, device_id, instance_id, created_at, updated_at)
      SELECT 'crowd-' || n, ${crowd} + 3000 - n % 40, 'crowd' || n, '@crowd' || n || ':x', 'n', 'active', 'D', 'cost-' || (3000 - n % 40), n, n FROM ${numbers}`);
  });

  it.each([
    [{}, 100],
    [{ limit: "10" }, 10],
    [{ limit: "20", page: "100" }, 20],
    [{ limit: "20", cursor: writeCursor({ at: 1_500, id: "cost-1500" }) }, 20],
    [{ limit: "20", search: "cost-" }, 20],
    [{ search: "costly" }, 100],
  ] as [Record<string, string>, number][])("machines %j: one query, no table read whole, few rows for each of %i", async (query, shown) => {
    const { result, cost } = await page(query);
    expect(result.instances).toHaveLength(shown);
    expect(cost.queries).toBe(1);
    expect(cost.plan.filter((line) => /\b(bots|users|m|b|u)\b/.test(line) && !/USING/.test(line))).toEqual([]);
    // Newest first is the table's own order.
    expect(cost.scans.filter((line) => !/^SCAN (instances|t|p|page|found|total|\(subquery-\d+\))( |$)/.test(line))).toEqual([]);
    expect(cost.rowsRead / shown, JSON.stringify(cost)).toBeLessThan(200);
  });

  it("shows at most twenty bots of a machine in the list, and all in the detail", async () => {
    const { instances } = await list("limit=1&search=cost-3000");
    expect(instances[0]).toMatchObject({ has_more_bots: true, bots: { length: 20 } });
    expect((await call("GET", `${INSTANCES}/cost-3000`)).body).toMatchObject({ has_more_bots: false, bots: { length: 50 } });
  });

  it("collisions: one query that does not walk through the history", async () => {
    const { result, cost } = await costOf((ctx) => listFingerprintCollisions(ctx, { limit: 100 }));
    expect(result.collisions).toHaveLength(100);
    expect(cost.queries).toBe(1);
    expect(cost.plan.filter((line) => /fingerprint_history|users/.test(line) && !/USING/.test(line))).toEqual([]);
    expect(cost.rowsRead / 100, JSON.stringify(cost)).toBeLessThan(200);
  });
});

describe("one machine", () => {
  it("is shown with what its object tells", async () => {
    const person = await signUpUser();
    const machine = await registerMachine(person);
    await DB.prepare("UPDATE instances SET online = 0 WHERE instance_id = ?").bind(machine).run();
    expect((await call("GET", `${INSTANCES}/${machine}`)).body).toMatchObject({ instance_id: machine, online: false, owner: { email: person.email }, heartbeat: { lastHeartbeat: null }, heartbeat_error: null });
    await beat(person.accessToken, machine);
    expect((await call("GET", `${INSTANCES}/${machine}`)).body).toMatchObject({ online: true, heartbeat: { isOnline: true, hostname: "den.local" } });
    expect(await call("GET", `${INSTANCES}/${uniqueName("nobody")}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("goes with its pairings and everybody's history of its fingerprint; bots stay", async () => {
    const [person, former] = [await signUpUser(), await signUpUser()];
    await setPlan(former, "team");
    const fingerprint = uniqueName("fp");
    const old = await registerMachine(former, { machine_fingerprint: fingerprint });
    // On a free trial the same hardware is refused: that is what the reset is for.
    const register = () => api("POST", "/api/v1/openclaw/register", { token: person.accessToken, body: { instance_id: uniqueName("openclaw-"), label: "den", version: "1.0.0", machine_fingerprint: fingerprint } });
    expect(await register()).toMatchObject({ status: 403, body: { code: "trial_abuse" } });
    const bot = await insertBot(former, { instance_id: old, pairing_id: "p", sealed_token: "s" });
    const other = await registerMachine(former, { machine_fingerprint: uniqueName("fp") });
    await beat(former.accessToken, old);

    expect(await call("DELETE", `${INSTANCES}/${old}`)).toMatchObject({ status: 204 });
    expect(await call("DELETE", `${INSTANCES}/${old}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await count("instances", "instance_id = ?", old)).toBe(0);
    expect(await count("fingerprint_history", "fingerprint = ?", fingerprint)).toBe(0);
    expect(await count("fingerprint_history", "instance_id = ?", other)).toBe(1);
    expect(await DB.prepare("SELECT status, instance_id, pairing_id, sealed_token FROM bots WHERE id = ?").bind(bot.id).first()).toEqual({ status: "active", instance_id: null, pairing_id: null, sealed_token: null });
    expect(await api("POST", "/api/v1/dashboard/heartbeat", { token: former.accessToken, body: beatOf(old) })).toMatchObject({ status: 410 });
    expect((await register()).status).toBe(200);
    const row = await DB.prepare("SELECT action, tenant_id, actor_id, detail FROM audit_log WHERE subject_type = 'instance' AND subject_id = ? AND action = 'instance.remove'").bind(old).first<{ tenant_id: number; actor_id: string; detail: string }>();
    expect(row).toMatchObject({ tenant_id: former.userId, actor_id: String(admin.userId) });
    expect(JSON.parse(row?.detail ?? "")).toMatchObject({ before: { label: "den", machine_fingerprint: fingerprint, fingerprint_sightings: 1, bots: [bot.id] }, after: null });
  });

  it("of an administrator is a superadministrator's to remove, and the administrator's own", async () => {
    const [other, superadmin] = [await signUpUser(), await signUpUser()];
    await DB.batch([["admin", other], ["superadmin", superadmin]].map(([role, who]) => DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, (who as TestUser).userId)));
    for (const who of [other, superadmin]) {
      const machine = await registerMachine(other);
      expect(await call("DELETE", `${INSTANCES}/${machine}`)).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect(await count("instances", "instance_id = ?", machine)).toBe(1);
      expect((await api("DELETE", `${INSTANCES}/${machine}`, { token: who.accessToken })).status).toBe(204);
    }
  });

  it("stays when it is a cloud machine", async () => {
    const rented = await registerMachine(owner);
    await DB.prepare("UPDATE instances SET cloud_vm_id = 'vm' WHERE instance_id = ?").bind(rented).run();
    const older = await registerMachine(owner);
    await DB.prepare("UPDATE instances SET provider = 'orgo', cloud_vm_id = 'vm' WHERE instance_id = ?").bind(older).run();
    for (const machine of [rented, older]) {
      expect(await call("DELETE", `${INSTANCES}/${machine}`)).toMatchObject({ status: 409, body: { code: "instance_is_cloud" } });
      expect((await call("GET", `${INSTANCES}/${machine}`)).body).toMatchObject({ is_cloud: true });
    }
  });
});

describe("fingerprints of several accounts", () => {
  it("are there once a second account registers one, and go with the history", async () => {
    const people = [await signUpUser(), await signUpUser(), await signUpUser()];
    const fingerprint = uniqueName("shared-");
    const of = async () => (await collisions()).find((one) => one.machine_fingerprint === fingerprint);
    const machines: string[] = [];
    for (const [index, person] of people.entries()) {
      await setPlan(person, "team");
      machines.push(await registerMachine(person, { machine_fingerprint: fingerprint }));
      if (index === 0) expect(await of()).toBeUndefined();
      else expect((await of())?.user_count).toBe(index + 1);
    }
    const found = await of();
    expect(found?.users.map(({ user_id, instance_ids }) => [user_id, instance_ids])).toEqual(expect.arrayContaining(people.map((person, index) => [person.userId, [machines[index]]])));
    // Who has no user name is shown without, here and with the machine.
    await DB.prepare("UPDATE users SET username = '-' || sub WHERE id = ?").bind(people[1]?.userId).run();
    expect((await of())?.users.find((one) => one.user_id === people[1]?.userId)).toMatchObject({ email: people[1]?.email, username: null });
    expect((await call("GET", `${INSTANCES}/${machines[1]}`)).body).toMatchObject({ owner: { username: null } });
    await registerMachine(people[0] ?? admin, { instance_id: machines[0], machine_fingerprint: fingerprint });
    expect((await of())?.user_count).toBe(3);
    await DB.prepare("DELETE FROM fingerprint_history WHERE fingerprint = ? AND tenant_id = ?").bind(fingerprint, people[2]?.userId).run();
    expect((await of())?.user_count).toBe(2);
    expect((await call("DELETE", `${INSTANCES}/${machines[0]}`)).status).toBe(204);
    expect(await of()).toBeUndefined();
    expect(await count("fingerprint_collisions", "fingerprint = ?", fingerprint)).toBe(0);
    for (const limit of ["0", "501", "x"]) expect((await call("GET", `${COLLISIONS}?limit=${limit}`)).status).toBe(422);
  });
});
