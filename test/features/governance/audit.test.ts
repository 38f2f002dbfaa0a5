import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { uniqueName } from "../../support/client";
import { expectOperator } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };

interface Page {
  readonly data: readonly { readonly id: string; readonly timestamp: string; readonly tenant?: string; readonly action: string; readonly resource: string; readonly message: string }[];
  readonly pagination: { readonly limit: number; readonly hasMore: boolean; readonly nextCursor?: string };
}
const read = (query: string) => expectOperator<Page>(200, "GET", `/api/v1/audit${query}`);

/** Rows of one tenant, many of them of the same moment. */
async function fill(tenant: string, count: number): Promise<void> {
  const insert = DB.prepare("INSERT INTO audit_log (action, actor_type, actor_id, subject_type, subject_id, detail, request_id, created_at, realm, scope) VALUES ('policy.create', 'operator', 'static', 'AccessPolicy', ?, '{}', 'req_x', ?, 'governance', ?)");
  await DB.batch(Array.from({ length: count }, (_, index) => insert.bind(`p${index}`, 1_700_000_000_000 + Math.floor(index / 20), tenant)));
}

describe("the trail", () => {
  it("skips nothing and repeats nothing, though many rows share a moment and others come meanwhile", async () => {
    const tenant = uniqueName("tenant");
    await fill(tenant, 90);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 20; pages++) {
      const page: Page = await read(`?tenant=${tenant}&limit=7${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      seen.push(...page.data.map(({ id }) => id));
      expect(page.pagination.hasMore).toBe(page.pagination.nextCursor !== undefined);
      cursor = page.pagination.nextCursor;
      if (cursor === undefined) break;
      await DB.prepare("INSERT INTO audit_log (action, actor_type, detail, request_id, created_at, realm, scope) VALUES ('policy.update', 'operator', '{}', 'req_y', ?, 'governance', ?)").bind(Date.now(), tenant).run();
    }
    expect(cursor).toBeUndefined();
    expect(seen).toHaveLength(90);
    expect(new Set(seen).size).toBe(90);
  });

  it("takes the plain cursors of older clients, and what is none for none", async () => {
    const tenant = uniqueName("tenant");
    await fill(tenant, 40);
    const plain = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    expect((await read(`?tenant=${tenant}&cursor=${plain(new Date(1_700_000_000_001).toISOString())}`)).data).toHaveLength(20);
    for (const cursor of ["nonsense", plain("nonsense"), plain("[1]"), "%00"]) expect((await read(`?tenant=${tenant}&cursor=${cursor}`)).data, cursor).toHaveLength(40);
  });

  it("answers a limit that is none with the default, and a larger one with the largest", async () => {
    for (const [limit, expected] of [["", 100], ["0", 100], ["-1", 100], ["x", 100], ["2.5", 100], ["5000", 1_000], ["3", 3]] as const) expect((await read(`?limit=${limit}`)).pagination.limit, limit).toBe(expected);
  });

  it("says what happened in its own words, and nothing of the fleet", async () => {
    const tenant = uniqueName("tenant");
    await DB.prepare("INSERT INTO audit_log (action, actor_type, actor_id, subject_type, subject_id, detail, request_id, created_at, realm, scope) VALUES ('tenant.update_datasets', 'operator', 'static', 'Tenant', ?1, '{\"message\":\"datasets set\",\"after\":{\"team\":[\"a\"]}}', 'req_z', 5, 'governance', ?1)").bind(tenant).run();
    expect((await read(`?tenant=${tenant}`)).data).toEqual([{ id: expect.any(String), timestamp: "1970-01-01T00:00:00.005Z", tenant, action: "DatasetsUpdated", resource: `Tenant/${tenant}`, message: "datasets set", actor: { type: "operator", id: "static" }, requestId: "req_z", detail: { after: { team: ["a"] } } }]);
    await DB.prepare("INSERT INTO audit_log (action, actor_type, detail, request_id, created_at) VALUES ('session.create', 'user', '{}', 'req_fleet', ?)").bind(Date.now() + 60_000).run();
    expect(JSON.stringify(await read("?limit=1000"))).not.toContain("req_fleet");
  });
});

describe("a page of the trail", () => {
  it("reads the rows that it shows, by an index", async () => {
    const tenant = uniqueName("tenant");
    await fill(tenant, 60);
    for (const where of ["realm = 'governance'", `realm = 'governance' AND scope = '${tenant}'`]) {
      const { results } = await DB.prepare(`EXPLAIN QUERY PLAN SELECT * FROM audit_log WHERE ${where} AND (created_at <= 9 AND (created_at < 9 OR id < 3)) ORDER BY created_at DESC, id DESC LIMIT 5`).all<{ detail: string }>();
      expect(results.map(({ detail }) => detail).join(" ")).toMatch(/USING INDEX audit_log_(realm|scope)/);
      expect(JSON.stringify(results)).not.toContain("TEMP B-TREE");
    }
  });
});
