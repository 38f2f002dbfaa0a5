import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { enqueueDueSyncs, sendSync, syncJob } from "../../../src/governance/sources";
import { approveItem } from "../../../src/governance/sources/decide-item";
import type { Ctx } from "../../../src/kernel/context";
import { sha256Hex } from "../../../src/kernel/crypto/bytes";
import { AppError } from "../../../src/kernel/errors/app-error";
import { governanceServices, type GovernanceServices } from "../../../src/governance/services";
import type { Job, Services } from "../../../src/kernel/ports/services";
import { MAX_CATALOG_ITEMS, type CatalogItem, type SourceCatalogs } from "../../../src/kernel/ports/source-catalogs";
import { send, uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const bindings = env as unknown as Env;
const { DB } = bindings;
const SOURCES = "/api/v1/third-party-sources";
const MINUTE_MS = 60_000;

interface Item {
  readonly id: string;
  readonly upstreamId: string;
  readonly status: string;
  readonly installedId?: string;
  readonly version?: string;
}
interface Source {
  readonly id: string;
  readonly status: string;
  readonly items: readonly Item[];
  readonly nextRunAt?: string;
  readonly lastSyncedAt?: string;
  readonly [field: string]: unknown;
}

/** A context whose catalogues are the test's own. */
const contextWith = (catalogs: Partial<SourceCatalogs> = {}, more: Partial<Ctx> = {}): Ctx => {
  const base = createSystemContext(bindings, { waitUntil: () => undefined }, "test", `req_${uniqueName()}`);
  const services: Services & GovernanceServices = { ...base.services, ...governanceServices(base), catalogs: { ...governanceServices(base).catalogs, ...catalogs } };
  return { ...base, db: base.db, ...more, services };
};
const offering = (items: readonly CatalogItem[], more: Partial<Ctx> = {}): Ctx => contextWith({ list: async () => items }, more);
const failing = (error: unknown): Ctx => contextWith({ list: () => Promise.reject(error) });
const skillItem = (upstreamId: string, fields: Partial<CatalogItem> = {}): CatalogItem => ({ kind: "skill-bundle", name: upstreamId, upstreamId, version: "1", digest: null, metadata: {}, ...fields });
const serverItem = (name: string, metadata: CatalogItem["metadata"] = { endpoint: "https://dig.example/mcp", transport: "sse", description: "Digs" }): CatalogItem => ({ kind: "mcp-server", name, upstreamId: name, version: "1", digest: null, metadata });

const create = async (fields: Record<string, unknown> = {}) => {
  const name = uniqueName("source");
  const { id } = await expectOperator<{ id: string }>(201, "POST", SOURCES, { body: { name, kind: "mcp-registry", originUrl: "https://registry.example", syncMode: "scheduled", status: "healthy", ...fields } });
  return { id, name, path: `${SOURCES}/${id}` };
};
const get = (path: string) => expectOperator<Source>(200, "GET", path);
const itemOf = (source: Source, upstreamId: string): Item => {
  const item = source.items.find((one) => one.upstreamId === upstreamId);
  if (!item) throw new Error(`there is no ${upstreamId}`);
  return item;
};
const statuses = (source: Source) => Object.fromEntries(source.items.map(({ upstreamId, status }) => [upstreamId, status]));
const auditOf = async (id: string) => (await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'ThirdPartySource' AND subject_id = ? ORDER BY id").bind(id).all<{ action: string }>()).results.map(({ action }) => action);
/** A promise that the test resolves itself. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
}
const dueNow = async (more: Partial<Ctx> = {}) => {
  const jobs: Job[] = [];
  const base = contextWith({}, more);
  await enqueueDueSyncs({ ...base, db: base.db, services: { ...base.services, jobs: { send: async (job) => void jobs.push(job) } } });
  return jobs.map(({ payload }) => payload);
};

describe("a source", () => {
  it("speaks both vocabularies, waits for approval, and is changed and removed", async () => {
    const name = uniqueName("source");
    const items = [{ kind: "skill-bundle", name: "dig", upstreamId: "dig@1", version: "1", digest: "sha256:x", metadata: { a: { b: [1] } } }];
    const created = await expectOperator<{ id: string; status: string }>(201, "POST", SOURCES, { body: { name, type: "git-repository", url: "https://git.example/dig.git", items } });
    expect(created.status).toBe("created");
    const path = `${SOURCES}/${created.id}`;
    const shown = await get(path);
    expect(shown).toMatchObject({ name, type: "git-repository", kind: "git-repository", url: "https://git.example/dig.git", originUrl: "https://git.example/dig.git", syncStatus: "pending-approval", status: "pending-approval", syncMode: "manual", syncIntervalMinutes: 1_440, managedItemCount: 1, items: [{ ...items[0], status: "discovered" }] });
    expect(shown.nextRunAt).toBeUndefined();
    expect(await asOperator("POST", SOURCES, { body: { name, type: "manual-upload", url: "here" } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });

    const at = "2026-11-01T10:00:00.000Z";
    expect(await expectOperator(200, "PUT", path, { body: { syncStatus: "error", syncMode: "scheduled", lastSyncedAt: at, nextRunAt: at, notes: "hm" } })).toEqual({ id: created.id, status: "updated" });
    expect(await get(path)).toMatchObject({ status: "error", syncMode: "scheduled", lastSyncedAt: at, nextRunAt: at, notes: "hm", items: [], managedItemCount: 0 });
    await expectOperator(200, "PUT", path, { body: { lastSyncedAt: null, nextRunAt: null, items: [...items, { ...items[0], name: "deep" }] } });
    const cleared = await get(path);
    expect([cleared.lastSyncedAt, cleared.nextRunAt, cleared.items.map((item) => item.upstreamId)]).toEqual([undefined, undefined, ["dig@1"]]);
    expect((await expectOperator<Source[]>(200, "GET", SOURCES)).find(({ id }) => id === created.id)).toEqual(cleared);
    const other = await create();
    expect(await asOperator("PUT", other.path, { body: { name } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });

    expect(await expectOperator(200, "DELETE", path)).toEqual({ id: created.id, status: "deleted" });
    for (const [method, at] of [["GET", path], ["PUT", path], ["DELETE", path], ["POST", `${path}/sync`], ["POST", `${path}/approve`], ["POST", `${path}/items/x/approve`], ["POST", `${path}/items/x/reject`]] as const) {
      expect(await asOperator(method, at, { body: method === "PUT" ? {} : undefined }), `${method} ${at}`).toMatchObject({ status: 404, body: { code: "THIRD_PARTY_SOURCE_NOT_FOUND" } });
    }
    expect(await auditOf(created.id)).toEqual(["third_party_source.create", "third_party_source.update", "third_party_source.update", "third_party_source.delete"]);
  });

  it("refuses malformed input and who may not", async () => {
    const body = { name: uniqueName(), kind: "mcp-registry", originUrl: "https://x.example" };
    for (const wrong of [{ name: " " }, { kind: undefined }, { kind: "ftp" }, { originUrl: undefined }, { originUrl: "ftp://x.example" }, { originUrl: "git@x.example:dig" }, { syncMode: "often" }, { status: "lost" }, { nextRunAt: "soon" }, { nextRunAt: "9999-12-31T23:59:59-14:00" }, { syncIntervalMinutes: 1 }, { items: [{ kind: "mcp-server" }] }, { items: [{ kind: "mcp-server", name: "a", upstreamId: "a", metadata: { a: "x".repeat(5_000) } }] }]) {
      expect(await asOperator("POST", SOURCES, { body: { ...body, ...wrong } }), JSON.stringify(wrong).slice(0, 80)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
    expect((await send("GET", SOURCES)).status).toBe(401);
    // Only what is looked through needs an address.
    expect((await asOperator("POST", SOURCES, { body: { ...body, kind: "manual-upload", originUrl: "the shelf" } })).status).toBe(201);
  });

  it("is looked through after approval only, and never when it is filled by hand", async () => {
    const waiting = await create({ status: undefined });
    expect(await asOperator("POST", `${waiting.path}/sync`)).toMatchObject({ status: 409, body: { code: "SOURCE_NOT_APPROVED" } });
    await syncJob(offering([skillItem("dig")]), waiting.id);
    expect(await get(waiting.path)).toMatchObject({ status: "pending-approval", items: [] });
    expect(await dueNow()).not.toContain(waiting.id);
    for (let i = 0; i < 2; i++) await expectOperator(200, "POST", `${waiting.path}/approve`);
    expect(await get(waiting.path)).toMatchObject({ status: "healthy" });
    expect(await dueNow()).toContain(waiting.id);

    const byHand = await create({ kind: "manual-upload", originUrl: "shelf" });
    expect(await asOperator("POST", `${byHand.path}/sync`)).toMatchObject({ status: 409, body: { code: "SOURCE_NOT_SYNCABLE" } });
    await syncJob(offering([skillItem("dig")]), byHand.id);
    expect((await get(byHand.path)).items).toEqual([]);
    expect(await dueNow()).not.toContain(byHand.id);
  });
});

describe("a sync", () => {
  it("writes down what it finds, twice without harm, and notices what is gone and what comes back", async () => {
    const { id, path } = await create({ syncIntervalMinutes: 60, items: [{ kind: "skill-bundle", name: "mine", upstreamId: "mine" }] });
    const many = Array.from({ length: 250 }, (_, i) => skillItem(`skill-${i}`, { metadata: { description: `It's "${i}"` } }));
    for (let i = 0; i < 2; i++) await syncJob(offering(many), id);
    const first = await get(path);
    expect(first).toMatchObject({ status: "healthy", managedItemCount: 251 });
    expect(first.items).toHaveLength(251);
    expect(itemOf(first, "skill-7")).toMatchObject({ name: "skill-7", version: "1", status: "discovered", metadata: { description: `It's "7"` } });
    expect(Date.parse(first.nextRunAt ?? "") - Date.parse(first.lastSyncedAt ?? "")).toBe(60 * MINUTE_MS);
    expect((await expectOperator<Source[]>(200, "GET", SOURCES)).find((one) => one.id === id)).toMatchObject({ managedItemCount: 251, items: { length: 100 } });

    await syncJob(offering(many.slice(1)), id);
    expect(statuses(await get(path))).toMatchObject({ "skill-0": "gone", "skill-1": "discovered", mine: "discovered" });
    // What callers wrote is replaced; what was found stays.
    await expectOperator(200, "PUT", path, { body: { notes: "x" } });
    expect(await get(path)).toMatchObject({ managedItemCount: 250 });
    await syncJob(offering(many), id);
    expect(statuses(await get(path))).toMatchObject({ "skill-0": "discovered" });
    // A list that may have been cut says nothing of what is missing.
    const full = Array.from({ length: MAX_CATALOG_ITEMS }, (_, i) => skillItem(`other-${i}`));
    await syncJob(offering(full), id);
    expect(statuses(await get(path))).toMatchObject({ "skill-0": "discovered", "other-1999": "discovered" });
  });

  it("that fails says why, and is tried again ever later", async () => {
    const { id, path } = await create();
    await syncJob(offering([skillItem("dig")]), id);
    const before = Date.now();
    await syncJob(failing(new AppError("BAD_GATEWAY", "The source answered 503.")), id);
    const once = await get(path);
    expect(once).toMatchObject({ status: "error", syncStatus: "error", syncError: "The source answered 503.", items: [{ status: "discovered" }] });
    expect(Date.parse(once.nextRunAt ?? "")).toBeLessThan(before + 6 * MINUTE_MS);
    await syncJob(failing(new TypeError("inner words")), id);
    const twice = await get(path);
    expect(Date.parse(twice.nextRunAt ?? "")).toBeGreaterThanOrEqual(before + 10 * MINUTE_MS);
    expect(JSON.stringify(twice)).not.toContain("inner words");
    await syncJob(offering([skillItem("dig")]), id);
    const healed = await get(path);
    expect([healed.status, healed["syncError"]]).toEqual(["healthy", undefined]);
    expect(await auditOf(id)).toEqual(["third_party_source.create", "third_party_source.sync", "third_party_source.fail_sync", "third_party_source.fail_sync", "third_party_source.sync"]);
  });

  it("is one at a time, and one that broke off is finished by the next", async () => {
    const { id, path } = await create();
    let calls = 0;
    const [began, gate] = [deferred(), deferred()];
    const slow = contextWith({ list: async () => { calls += 1; began.resolve(); await gate.promise; return [skillItem("slow")]; } });
    const running = syncJob(slow, id);
    await began.promise;
    expect(await get(path)).toMatchObject({ status: "syncing" });
    await syncJob(contextWith({ list: async () => { calls += 1; return []; } }), id);
    expect(calls).toBe(1);
    expect(await dueNow()).not.toContain(id);

    // It is taken for dead; the next one wins, and the first one's end changes nothing.
    const later = { clock: { now: () => Date.now() + 6 * MINUTE_MS } };
    expect(await dueNow(later)).toContain(id);
    await syncJob(offering([skillItem("fast")], later), id);
    gate.resolve();
    await running;
    expect(statuses(await get(path))).toEqual({ fast: "discovered" });

    // Cut in the middle of writing: some is there, nothing is gone, and it is due again.
    const many = Array.from({ length: 150 }, (_, i) => skillItem(`many-${i}`));
    const real = contextWith();
    let batches = 0;
    const cutting: Ctx["db"] = Object.create(real.db, { batch: { value: (...args: Parameters<typeof real.db.batch>) => { batches += 1; return batches > 1 ? Promise.reject(new Error("cut")) : real.db.batch(...args); } } }) as Ctx["db"];
    await expect(syncJob(offering(many, { db: cutting }), id)).rejects.toThrow("cut");
    expect(await get(path)).toMatchObject({ status: "syncing", managedItemCount: 101 });
    expect(statuses(await get(path))).toMatchObject({ fast: "discovered" });
    await syncJob(offering(many, later), id);
    expect(await get(path)).toMatchObject({ status: "healthy", managedItemCount: 151 });
    expect(statuses(await get(path))).toMatchObject({ fast: "gone" });
  });

  it("does not end well when its source is changed, is no longer approved, or is removed meanwhile", async () => {
    for (const change of [
      (path: string) => expectOperator(200, "PUT", path, { body: { originUrl: "https://elsewhere.example" } }),
      (path: string) => expectOperator(200, "PUT", path, { body: { status: "pending-approval" } }),
      (path: string) => expectOperator(200, "DELETE", path),
    ]) {
      const { id, path } = await create();
      await syncJob(contextWith({ list: async () => { await change(path); return [skillItem("old")]; } }), id);
      const { n } = (await DB.prepare("SELECT count(*) AS n FROM governance_source_items WHERE source_id = ?").bind(id).first<{ n: number }>()) ?? { n: -1 };
      expect(n).toBe(0);
      expect(await auditOf(id)).not.toContain("third_party_source.sync");
    }
  });

  it("goes on the queue when somebody asks and when it is due, and is not forgotten when that is lost", async () => {
    const { id, path } = await create({ syncMode: "manual" });
    expect(await dueNow()).not.toContain(id);
    expect(await asOperator("POST", `${path}/sync`)).toMatchObject({ status: 202, body: { id, status: "queued" } });
    const sent: Job[] = [];
    const base = contextWith();
    await sendSync({ ...base, db: base.db, services: { ...base.services, jobs: { send: async (job) => void sent.push(job) } } }, id, "eff_1");
    expect(sent).toEqual([{ v: 1, id: "eff_1", type: "source.sync", payload: id }]);

    const planned = await create();
    const jobs: Job[] = [];
    const collecting: Env = { ...bindings, JOBS: { send: async (job: Job) => void jobs.push(job) } as unknown as Queue };
    await handleScheduled(createScheduledController({ cron: "*/5 * * * *", scheduledTime: new Date(Date.now() + 880_000_000) }), collecting, { waitUntil: () => undefined });
    expect(jobs.filter(({ type, payload }) => type === "source.sync" && payload === planned.id)).toHaveLength(1);
  });
});

describe("what a source offers", () => {
  /** A source that offers this, looked through. */
  const offered = async (...items: CatalogItem[]) => {
    const source = await create();
    await syncJob(offering(items), source.id);
    const shown = await get(source.path);
    return { ...source, pathOf: (upstreamId: string) => `${source.path}/items/${itemOf(shown, upstreamId).id}` };
  };
  const downloading = (content: string | AppError): Ctx => contextWith({ download: async () => { if (content instanceof AppError) throw content; return new TextEncoder().encode(content) as Uint8Array<ArrayBuffer>; } });

  it("is installed by approval only: a server as a draft, once", async () => {
    const name = `io.example/${uniqueName()}`;
    const { id, path, pathOf } = await offered(serverItem(name), serverItem("unreachable", {}), serverItem("inside", { endpoint: "ftp://x", transport: "sse" }));
    const listed = async () => (await expectOperator<{ id: string; name: string }[]>(200, "GET", "/api/v1/mcp-servers")).filter((one) => one.name === name);
    expect(await listed()).toEqual([]);
    const approved = await expectOperator<{ item: Item }>(200, "POST", `${pathOf(name)}/approve`);
    expect(approved).toMatchObject({ sourceId: id, item: { status: "approved" } });
    expect(await listed()).toMatchObject([{ id: approved.item.installedId, status: "draft", endpoint: "https://dig.example/mcp", transport: "sse", sourceId: id }]);
    expect(await expectOperator(200, "POST", `${pathOf(name)}/approve`)).toEqual(approved);
    expect(await listed()).toHaveLength(1);
    for (const one of ["unreachable", "inside"]) expect(await asOperator("POST", `${pathOf(one)}/approve`), one).toMatchObject({ status: 422, body: { code: "ITEM_NOT_INSTALLABLE" } });
    expect(await asOperator("POST", `${path}/items/itm_nowhere/approve`)).toMatchObject({ status: 404, body: { code: "SOURCE_ITEM_NOT_FOUND" } });

    // Somebody else's server of that name is not taken over.
    const rival = await offered(serverItem(name));
    expect(await asOperator("POST", `${rival.pathOf(name)}/approve`)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(statuses(await get(rival.path))).toEqual({ [name]: "discovered" });
  });

  it("may be a skill, which comes as a draft with its content, and is found anew in its next version", async () => {
    const upstream = uniqueName("skill");
    const content = `# ${upstream}`;
    const facts = { metadata: { contentUrl: "https://skills.example/SKILL.md", description: "Digs" } };
    const { id, path, pathOf } = await offered(skillItem(upstream, facts));
    const itemId = pathOf(upstream).split("/").at(-1) ?? "";
    await expect(approveItem(downloading(new AppError("BAD_GATEWAY", "The source answered 404.")), { id, itemId })).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    expect(statuses(await get(path))).toEqual({ [upstream]: "discovered" });
    const { item } = await approveItem(downloading(content), { id, itemId });
    const skill = await expectOperator(200, "GET", `/api/v1/skills/catalog/${item.installedId}`);
    expect(skill).toMatchObject({ name: upstream, version: "1", digest: `sha256:${await sha256Hex(content)}`, status: "draft", contentStored: true, scanStatus: "pending", description: "Digs", sourceId: id, contentUrl: facts.metadata.contentUrl, grants: [] });

    await syncJob(offering([skillItem(upstream, facts)]), id);
    expect(statuses(await get(path))).toEqual({ [upstream]: "approved" });
    await syncJob(offering([]), id);
    for (const verb of ["approve", "reject"]) expect(await asOperator("POST", `${pathOf(upstream)}/${verb}`), verb).toMatchObject({ status: 409, body: { code: "SOURCE_ITEM_GONE" } });
    await syncJob(offering([skillItem(upstream, facts)]), id);
    expect(statuses(await get(path))).toEqual({ [upstream]: "approved" });
    await syncJob(offering([skillItem(upstream, { ...facts, version: "2" })]), id);
    expect(itemOf(await get(path), upstream)).toMatchObject({ status: "discovered", version: "2", installedId: item.installedId });
    const next = await approveItem(downloading(content), { id, itemId });
    expect(next.item.installedId).not.toBe(item.installedId);
    // The same version with the same content is in the catalogue: it is taken, not made again.
    await DB.prepare("UPDATE governance_source_items SET status = 'discovered', installed_id = NULL WHERE id = ?").bind(itemId).run();
    expect((await approveItem(downloading(content), { id, itemId })).item.installedId).toBe(next.item.installedId);
  });

  it("may be a skill without content, or with one that is not what was said", async () => {
    const commit = `git:${"c".repeat(40)}`;
    const { id, pathOf } = await offered(skillItem("tag", { name: uniqueName("repo"), digest: commit, version: "v1" }), skillItem("bare"), skillItem("wrong", { digest: "ab".repeat(32), metadata: { contentUrl: "https://skills.example/x" } }));
    const { item } = await expectOperator<{ item: Item }>(200, "POST", `${pathOf("tag")}/approve`);
    expect(await expectOperator(200, "GET", `/api/v1/skills/catalog/${item.installedId}`)).toMatchObject({ version: "v1", digest: commit, contentStored: false, status: "draft" });
    expect(await asOperator("POST", `${pathOf("bare")}/approve`)).toMatchObject({ status: 422, body: { code: "ITEM_NOT_INSTALLABLE" } });
    const itemId = pathOf("wrong").split("/").at(-1) ?? "";
    for (const content of ["other", ""]) await expect(approveItem(downloading(content), { id, itemId })).rejects.toMatchObject({ reason: "ITEM_NOT_INSTALLABLE" });
  });

  it("may be refused, stays so, and needs an approved source to be decided", async () => {
    const { id, path, pathOf } = await offered(skillItem("dig"));
    expect(await expectOperator(200, "POST", `${pathOf("dig")}/reject`)).toMatchObject({ sourceId: id, item: { status: "rejected" } });
    await syncJob(offering([]), id);
    await syncJob(offering([skillItem("dig", { version: "2" })]), id);
    expect(itemOf(await get(path), "dig")).toMatchObject({ status: "rejected", version: "2" });
    await expectOperator(200, "PUT", path, { body: { status: "pending-approval" } });
    for (const verb of ["approve", "reject"]) expect(await asOperator("POST", `${pathOf("dig")}/${verb}`)).toMatchObject({ status: 409, body: { code: "SOURCE_NOT_APPROVED" } });
    expect((await auditOf(id)).slice(-4)).toEqual(["third_party_source.reject_item", "third_party_source.sync", "third_party_source.sync", "third_party_source.update"]);
  });
});
