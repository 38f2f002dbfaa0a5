import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Env } from "../../src/env";
import type { Job } from "../../src/kernel/ports/services";
import { api, BASE_URL, signUpUser, uniqueIp, type ApiAnswer, type TestUser } from "./client";
import { fetchUnder } from "./promises";

const bindings = env as unknown as Env;

/** Administrators of the three kinds of standing that operators' tests need. */
export interface Staff {
  readonly superadmin: TestUser;
  readonly admin: TestUser;
  readonly nobody: TestUser;
}

export async function hireStaff(): Promise<Staff> {
  const [superadmin, admin, nobody] = await Promise.all([signUpUser(), signUpUser(), signUpUser()]);
  await bindings.DB.batch([
    bindings.DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(superadmin.userId),
    bindings.DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId),
  ]);
  return { superadmin, admin, nobody };
}

export const OPS = "/api/v1/admin/ops";

/** Asks as somebody, with what is put on the queue collected and everything behind the answer awaited. */
export async function askWith<T = Record<string, unknown>>(changed: Partial<Env>, who: TestUser, method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T; readonly jobs: readonly Job[] }> {
  const [work, jobs]: [Promise<unknown>[], Job[]] = [[], []];
  const headers = new Headers({ "cf-connecting-ip": uniqueIp(), authorization: `Bearer ${who.accessToken}`, ...(body === undefined ? {} : { "content-type": "application/json" }) });
  const request = new Request(`${BASE_URL}${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  const response = await fetchUnder(request, { ...bindings, JOBS: { send: async (job: Job) => void jobs.push(job) } as unknown as Queue, ...changed }, { waitUntil: (promise) => void work.push(promise) });
  const text = await response.text();
  await Promise.all(work);
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as T, jobs };
}

/** Every operation refuses who may not: `reads` take any administrator, `writes` a superadministrator only. */
export async function expectGuarded({ admin, nobody }: Staff, reads: readonly string[], writes: readonly (readonly [string, string, unknown?])[]): Promise<void> {
  const refused = (answer: ApiAnswer<unknown>, what: string) => expect(answer, what).toMatchObject({ status: 403, body: { code: "forbidden" } });
  for (const path of reads) {
    refused(await api("GET", path, { token: nobody.accessToken }), path);
    expect((await api("GET", path, { token: admin.accessToken })).status, path).not.toBe(403);
  }
  for (const [method, path, body] of writes) for (const who of [nobody, admin]) refused(await api(method, path, { token: who.accessToken, body }), `${method} ${path}`);
}

/** Audit rows about one subject, oldest first. */
export async function auditOf(type: string, id: string): Promise<readonly { readonly action: string; readonly actor_id: string; readonly detail: Record<string, unknown> }[]> {
  const { results } = await bindings.DB.prepare("SELECT action, actor_id, detail FROM audit_log WHERE subject_type = ? AND subject_id = ? ORDER BY id").bind(type, id).all<{ action: string; actor_id: string; detail: string }>();
  return results.map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }));
}

/** How SQLite would walk through a query of a store. */
export async function planOf(query: { toSQL(): { sql: string; params: unknown[] } }): Promise<string> {
  const { sql, params } = query.toSQL();
  const { results } = await bindings.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params).all<{ detail: string }>();
  return results.map((row) => row.detail).join("\n");
}

/** Fails unless the query finds its rows by the index named, reads no table from end to end, and sorts nothing. */
export async function expectIndexed(query: { toSQL(): { sql: string; params: unknown[] } }, index: string): Promise<void> {
  const plan = await planOf(query);
  expect(plan).toContain(index);
  // A walk along an index ends at the page's limit; the other names are of what a query builds itself.
  const costly = plan.split("\n").filter((step) => /TEMP B-TREE FOR ORDER BY/.test(step) || (step.startsWith("SCAN ") && !/ USING (COVERING )?INDEX |^SCAN (names|CONSTANT ROW)/.test(step)));
  expect(costly, plan).toEqual([]);
}

/** All pages of a list, one after the other. */
export async function allPages<T>(who: TestUser, path: string, of: string, between?: (page: number) => Promise<void>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < 100; page++) {
    const at: string = cursor === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
    const { status, body } = await api<Record<string, unknown>>("GET", at, { token: who.accessToken });
    expect(status, JSON.stringify(body)).toBe(200);
    rows.push(...(body[of] as T[]));
    cursor = body["next_cursor"] as string | null;
    if (cursor === null) return rows;
    await between?.(page);
  }
  throw new Error(`${path} has no end`);
}
