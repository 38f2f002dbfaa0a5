import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { tenantObject } from "../../../durable-objects/stubs";
import type { Env } from "../../../src/env";
import { createTenant } from "../../../src/governance/tenants/create-tenant";
import { deleteTenant, resumeTenant, suspendTenant, updateTenant } from "../../../src/governance/tenants/change-tenant";
import { putDatasets } from "../../../src/governance/tenants/put-datasets";
import { repairTenants } from "../../../src/governance/tenants/repair-tenants";
import { getTenantDrift } from "../../../src/governance/tenants/tenants.queries";
import type { TenantState } from "../../../src/governance/tenants/tenants.core";
import { toRow } from "../../../src/governance/tenants/tenants.store";
import { governanceJobs } from "../../../src/governance/work";
import type { Ctx } from "../../../src/kernel/context";
import { uniqueName } from "../../support/client";
import { healthy, underCut, type Cut } from "../../support/governance-cuts";

/**
 * A change of a tenant is cut at every step of every verb. Drift must tell exactly what D1 does not show, a repair must mend it, and the
 * object's own alarm must bring it to D1 without anybody's help, with one audit row for the change.
 */

const bindings = env as unknown as Env;

const bodyOf = (name: string) => ({ name, displayName: "Acme", email: "ops@acme.test", team: "blue", labels: { tier: "gold" } });

interface Story {
  readonly action: string;
  /** What is there before. */
  readonly before: (name: string) => Promise<unknown>;
  readonly verb: (ctx: Ctx, name: string) => Promise<unknown>;
}

const created = (name: string) => healthy((ctx) => createTenant(ctx, bodyOf(name)));

const STORIES: Readonly<Record<string, Story>> = {
  create: { action: "tenant.create", before: async () => undefined, verb: (ctx, name) => createTenant(ctx, bodyOf(name)) },
  "create again after a deletion": {
    action: "tenant.create",
    before: async (name) => {
      await created(name);
      await healthy((ctx) => deleteTenant(ctx, { name }));
    },
    verb: (ctx, name) => createTenant(ctx, { ...bodyOf(name), displayName: "Second life" }),
  },
  update: { action: "tenant.update", before: created, verb: (ctx, name) => updateTenant(ctx, { name }, { team: null, policyRef: "nowhere" }) },
  suspend: { action: "tenant.suspend", before: created, verb: (ctx, name) => suspendTenant(ctx, { name }) },
  resume: {
    action: "tenant.resume",
    before: async (name) => {
      await created(name);
      await healthy((ctx) => suspendTenant(ctx, { name }));
    },
    verb: (ctx, name) => resumeTenant(ctx, { name }),
  },
  "data sets": { action: "tenant.update_datasets", before: created, verb: (ctx, name) => putDatasets(ctx, { name }, { org: [], team: ["b", "a"], project: [], personal: [] }) },
  delete: { action: "tenant.delete", before: created, verb: (ctx, name) => deleteTenant(ctx, { name }) },
};

const sourceOf = (name: string): Promise<TenantState | null> => tenantObject(bindings, name).getState();
const rowOf = async (name: string): Promise<Record<string, unknown> | null> => bindings.DB.prepare("SELECT revision, display_name, team, suspended, phase, datasets, policy_ref FROM governance_tenants WHERE name = ?").bind(name).first();
const auditsOf = async (name: string, action: string): Promise<number> => (await bindings.DB.prepare("SELECT COUNT(*) AS count FROM audit_log WHERE scope = ? AND action = ?").bind(name, action).first<{ count: number }>())?.count ?? 0;

/** What D1 would show of the source. */
function shownOf(source: TenantState | null): Record<string, unknown> | null {
  if (!source) return null;
  const row = toRow(source);
  return { revision: row.revision, display_name: row.displayName, team: row.team, suspended: row.suspended ? 1 : 0, phase: row.phase, datasets: JSON.stringify(row.datasets), policy_ref: row.policyRef };
}

/** What drift says of one tenant; undefined when it finds nothing wrong. */
async function driftOf(name: string): Promise<string | undefined> {
  const { mismatches } = await healthy((ctx) => getTenantDrift(ctx));
  return mismatches.find((mismatch) => mismatch.name === name)?.issue;
}

/** The object's alarm goes off. */
async function ring(name: string): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6_000 });
  try {
    await runDurableObjectAlarm(bindings.TENANT_DO?.getByName(name) as DurableObjectStub);
  } finally {
    vi.useRealTimers();
  }
}

/** The object's alarm, and the job that it sends: here and now, not only over the queue. */
async function redeliver(name: string): Promise<void> {
  await ring(name);
  const handler = await governanceJobs["governance.project"]?.();
  for (let twice = 0; twice < 2; twice++) await healthy(async (ctx) => handler?.(ctx, { object: "tenant", name }));
}

async function expectHealed(name: string, what: string): Promise<void> {
  expect(await rowOf(name), what).toEqual(shownOf(await sourceOf(name)));
  expect(await driftOf(name), what).toBeUndefined();
}

afterEach(() => vi.useRealTimers());

for (const [title, { action, before, verb }] of Object.entries(STORIES)) {
  describe(`a cut of: ${title}`, () => {
    for (const when of ["before", "after"] as const) {
      it(`is found, mended by repair, and healed by the alarm: ${when} each step`, { timeout: 120_000 }, async () => {
        const died: string[] = [];
        let hadDrift = 0;
        for (let nth = 0; ; nth++) {
          const name = uniqueName("cut");
          await before(name);
          const audits = await auditsOf(name, action);
          const revisionBefore = (await sourceOf(name))?.revision ?? 0;
          const cut: Cut = { nth, when };
          const { diedAt } = await underCut(cut, (ctx) => verb(ctx, name));
          if (diedAt === null) break;
          died.push(diedAt);
          const what = `${title}, cut ${diedAt}`;
          const [source, row] = await Promise.all([sourceOf(name), rowOf(name)]);
          const isShown = JSON.stringify(row) === JSON.stringify(shownOf(source));
          expect(await driftOf(name), what).toBe(isShown ? undefined : source === null ? "missing-source" : row === null ? "missing-projection" : "field-mismatch");
          if (!isShown) hadDrift++;

          // Every other time somebody repairs before the alarm comes.
          if (nth % 2 === 0) {
            const repaired = await healthy((ctx) => repairTenants(ctx, { dryRun: "false" }));
            const entry = repaired.entries.find((one) => one.name === name);
            expect(entry?.action, what).toBe(isShown ? undefined : source === null ? "skipped" : row === null ? "created" : "updated");
            // A repair never deletes: an orphan stays in the report until its object is heard.
            if (source !== null) await expectHealed(name, `${what}, repaired`);
            else expect(await driftOf(name), what).toBe(isShown ? undefined : "missing-source");
          }
          await redeliver(name);
          await expectHealed(name, what);
          const came = title.startsWith("create") ? source !== null : (source?.revision ?? Number.MAX_SAFE_INTEGER) > revisionBefore;
          expect((await auditsOf(name, action)) - audits, what).toBe(came ? 1 : 0);
          expect(await tenantObject(bindings, name).pendingEntries(10), what).toEqual([]);

          // Whoever asked got no answer and asks again: done once more, or told that it is done.
          const again = await underCut(null, (ctx) => verb(ctx, name));
          if (title.startsWith("create")) expect(again.error === undefined, what).toBe(source === null);
          else if (title === "delete") expect(again.error === undefined, what).toBe(source !== null);
          else expect(again.error, what).toBeUndefined();
          await expectHealed(name, `${what}, asked again`);
          if (await sourceOf(name)) await healthy((ctx) => deleteTenant(ctx, { name }));
        }
        expect(died.some((step) => step.includes("D1 batch"))).toBe(true);
        expect(died.some((step) => /object\.(create|change)/.test(step))).toBe(true);
        if (when === "after") expect(hadDrift).toBeGreaterThan(0);
      });
    }
  });
}

describe("an object's alarm", () => {
  it("brings a change to D1 over the platform's own queue", { timeout: 60_000 }, async () => {
    const name = uniqueName("cut");
    await underCut({ nth: 1, when: "after" }, (ctx) => createTenant(ctx, bodyOf(name)));
    expect(await rowOf(name)).toBeNull();
    await ring(name);
    await vi.waitFor(async () => expect(await tenantObject(bindings, name).pendingEntries(1)).toEqual([]), { timeout: 50_000, interval: 200 });
    // Nothing is wrong with it any more, and somebody has looked for its policy.
    await vi.waitFor(async () => expect(await rowOf(name)).toMatchObject({ phase: "Running" }), { timeout: 50_000, interval: 200 });
    expect(await auditsOf(name, "tenant.create")).toBe(1);
  });
});

describe("a creation that broke off before D1 showed it", () => {
  it("is finished by the same creation, and refused to another", async () => {
    const name = uniqueName("cut");
    // Reserved, created, and dead.
    const { diedAt } = await underCut({ nth: 1, when: "after" }, (ctx) => createTenant(ctx, bodyOf(name)));
    expect(diedAt).toBe("after object.create");
    const other = await underCut(null, (ctx) => createTenant(ctx, { ...bodyOf(name), displayName: "Somebody else" }));
    expect(other.error).toMatchObject({ code: "CONFLICT" });
    expect(await healthy((ctx) => createTenant(ctx, bodyOf(name)))).toEqual({ name, status: "created" });
    await expectHealed(name, "finished");
    expect(await auditsOf(name, "tenant.create")).toBe(1);
  });
});

describe("news of an earlier life", () => {
  it("never overwrite the later one, and revisions go on", async () => {
    const name = uniqueName("cut");
    await created(name);
    // A deletion that only its object knows of.
    await underCut({ nth: 0, when: "after" }, (ctx) => deleteTenant(ctx, { name }));
    expect(await driftOf(name)).toBe("missing-source");
    const stale = await tenantObject(bindings, name).pendingEntries(10);
    expect(stale.map(({ snapshot }) => snapshot)).toEqual([null]);
    await healthy((ctx) => createTenant(ctx, { ...bodyOf(name), displayName: "Second life" }));
    expect(await rowOf(name)).toMatchObject({ display_name: "Second life" });
    await redeliver(name);
    await expectHealed(name, "the old deletion came last");
    expect(await sourceOf(name)).toMatchObject({ spec: { displayName: "Second life" } });
    expect((await sourceOf(name))?.revision).toBeGreaterThan(stale[0]?.revision ?? 0);
    expect([await auditsOf(name, "tenant.create"), await auditsOf(name, "tenant.delete")]).toEqual([2, 1]);
  });
});
