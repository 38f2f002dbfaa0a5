import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { tenantObject, type Stub } from "../../../durable-objects/stubs";
import type { TenantRpc } from "../../../durable-objects/tenant/tenant.rpc";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { repairPolicies } from "../../../src/governance/policies/repair-policies";
import { show } from "../../../src/governance/projections/project";
import { assessTenants, reconcilePageJob, tenantProjector } from "../../../src/governance/tenants";
import { deleteTenant, updateTenant } from "../../../src/governance/tenants/change-tenant";
import { createTenant } from "../../../src/governance/tenants/create-tenant";
import { repairTenants } from "../../../src/governance/tenants/repair-tenants";
import { governanceJobs } from "../../../src/governance/work";
import type { Ctx } from "../../../src/kernel/context";
import type { Job } from "../../../src/kernel/ports/services";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";
import { healthy, underCut } from "../../support/governance-cuts";

/** What several do at once to a tenant, or to the policies that mean it: nobody's change is lost, and nothing that is over comes back. */

const bindings = env as unknown as Env;
const tenants = bindings.TENANT_DO as DurableObjectNamespace;

const bodyOf = (name: string) => ({ name, displayName: "Acme", email: "ops@acme.test" });
const phaseOf = async (name: string): Promise<unknown> => (await expectOperator(200, "GET", `/api/v1/tenants/${name}`))["phase"];

async function newTenant(): Promise<string> {
  const name = uniqueName("race");
  await healthy((ctx) => createTenant(ctx, bodyOf(name)));
  return name;
}

/** The job that the object's alarm sends. */
async function redeliver(name: string): Promise<void> {
  const handler = await governanceJobs["governance.project"]?.();
  await healthy(async (ctx) => handler?.(ctx, { object: "tenant", name }));
}

/** `ctx` in which something else happens right before the object of `name` is asked. */
function withObject(ctx: Ctx, name: string, ask: (stub: Stub<TenantRpc>) => Partial<TenantRpc>): Ctx {
  const TENANT_DO = { getByName: (asked: string) => (asked === name ? ask(tenantObject(bindings, name)) : tenants.getByName(asked)) };
  // Only what the test's work calls is there.
  return { ...ctx, db: ctx.db, services: ctx.services, objects: { ...bindings, TENANT_DO } as unknown as Ctx["objects"] };
}

const FOUND_BEFORE = { name: "of-before", source: "selector", state: "resolved", message: null } as const;

describe("a look for the tenant's policy", () => {
  it("that began before the tenant changed is not heard after it, not even when D1 shows its news first", async () => {
    const name = await newTenant();
    const tenant = tenantObject(bindings, name);
    const look = await tenant.look();
    // The verb died: nobody has looked since.
    await underCut({ nth: 0, when: "after" }, (ctx) => updateTenant(ctx, { name }, { policyRef: "nowhere" }));
    const answer = await tenant.observe(FOUND_BEFORE, look?.ticket ?? 0);
    if (answer.kind === "ok" && answer.entry) await healthy((ctx) => show(ctx, answer.entry as NonNullable<typeof answer.entry>, tenantProjector));
    await redeliver(name);
    expect((await tenant.getState())?.resolution).toMatchObject({ source: "ref", state: "missing" });
    expect(await phaseOf(name)).toBe("Error");
  });

  it("that was overtaken is not heard, also when the object slept in between", async () => {
    const name = await newTenant();
    const tenant = tenantObject(bindings, name);
    const resolution = (await tenant.getState())?.resolution;
    if (!resolution) throw new Error("nobody has looked");
    const [early, late] = [await tenant.look(), await tenant.look()];
    await tenant.observe(resolution, late?.ticket ?? 0);
    await evictDurableObject(tenants.getByName(name));
    await tenantObject(bindings, name).observe(FOUND_BEFORE, early?.ticket ?? 0);
    expect((await tenantObject(bindings, name).getState())?.resolution).toEqual(resolution);
  });

  it("reaches everybody else when one tenant's object fails", async () => {
    const [broken, sound] = [await newTenant(), await newTenant()];
    await underCut({ nth: 0, when: "after" }, (ctx) => updateTenant(ctx, { name: sound }, { policyRef: "nowhere" }));
    const fails = async (): Promise<never> => {
      throw new Error("overloaded");
    };
    // Just before both in the directory's order.
    const after = [broken, sound].sort()[0]?.slice(0, -1) ?? "";
    await expect(healthy((ctx) => reconcilePageJob(withObject(ctx, broken, () => ({ look: fails })), { run: uniqueName("run"), after }))).rejects.toThrow("overloaded");
    expect((await tenantObject(bindings, sound).getState())?.resolution).toMatchObject({ state: "missing" });
  });

  it("is taken at every tenant once an hour, whatever got lost", async () => {
    const sent: Job[] = [];
    const late: Promise<unknown>[] = [];
    const jobs = { send: async (job: Job) => void sent.push(job) } as unknown as Queue;
    await handleScheduled({ cron: "17 * * * *", scheduledTime: Date.now() + 3_600_000, noRetry: () => undefined }, { ...bindings, JOBS: jobs } as Env, { waitUntil: (work) => void late.push(work) });
    await Promise.allSettled(late);
    const walks = sent.filter(({ type }) => type === "tenants.reconcile_page");
    expect(walks).toMatchObject([{ payload: { after: "" } }]);
    await healthy((ctx) => reconcilePageJob(ctx, walks[0]?.payload));
  });
});

describe("a repair", () => {
  it("that comes before the projection has the tenant's policy looked for, as the projection would have", async () => {
    const name = uniqueName("race");
    const { diedAt } = await underCut({ nth: 1, when: "after" }, (ctx) => createTenant(ctx, bodyOf(name)));
    expect(diedAt).toBe("after object.create");
    await healthy((ctx) => repairTenants(ctx, { dryRun: "false" }));
    await redeliver(name);
    expect(await phaseOf(name)).toBe("Running");
  });

  it("of policies has everybody looked at, also when the last one is overtaken", async () => {
    const team = uniqueName("team");
    // Mended in the order of names.
    const [first, last] = [`a-${uniqueName("policy")}`, `z-${uniqueName("policy")}`];
    for (const [name, matchTeam] of [[first, team], [last, uniqueName("team")]] as const) await expectOperator(201, "POST", "/api/v1/policies", { body: { name, tenantSelector: { matchTeam } } });
    const tenant = await newTenant();
    await bindings.DB.prepare("UPDATE governance_policies SET tenant_selector = '{}' WHERE name IN (?, ?)").bind(first, last).run();
    await expectOperator(200, "PUT", `/api/v1/tenants/${tenant}`, { body: { team } });
    expect((await tenantObject(bindings, tenant).getState())?.resolution).toMatchObject({ state: "none" });
    let overtaken: Promise<unknown> | null = null;
    await healthy((ctx) => {
      // Somebody changes the last one before any is mended.
      const batch = async (statements: never): Promise<unknown> => {
        overtaken ??= expectOperator(200, "PUT", `/api/v1/policies/${last}`, { body: { description: "newer" } });
        await overtaken;
        return ctx.db.batch(statements);
      };
      const db = new Proxy(ctx.db, { get: (target, key) => (key === "batch" ? batch : Reflect.get(target, key, target)) });
      return repairPolicies({ ...ctx, db, services: ctx.services }, { dryRun: "false" });
    });
    expect((await tenantObject(bindings, tenant).getState())?.resolution).toMatchObject({ name: first, state: "resolved" });
  });
});

describe("drift", () => {
  for (const [what, change] of [
    ["changed", (ctx: Ctx, name: string) => updateTenant(ctx, { name }, { team: "moved" })],
    ["deleted", (ctx: Ctx, name: string) => deleteTenant(ctx, { name })],
  ] as const) {
    it(`is none where a tenant is ${what} while it is looked at`, async () => {
      const name = await newTenant();
      let changed: Promise<unknown> | null = null;
      const survey = await healthy((ctx) =>
        assessTenants(
          withObject(ctx, name, (stub) => ({
            getState: async () => {
              changed ??= healthy<unknown>((other) => change(other, name));
              await changed;
              return stub.getState();
            },
          })),
        ),
      );
      expect(changed).not.toBeNull();
      expect(survey.report.mismatches.filter((mismatch) => mismatch.name === name)).toEqual([]);
    });
  }

  it("cannot be made by texts that D1 would keep otherwise", async () => {
    const half = "x\ud800y";
    const name = uniqueName("race");
    for (const field of ["displayName", "team", "policyRef", "wave"]) {
      expect((await asOperator("POST", "/api/v1/tenants", { body: { ...bodyOf(name), [field]: half } })).body, field).toMatchObject({ code: "VALIDATION_ERROR", detail: expect.stringContaining(`body.${field}`) });
    }
    expect((await asOperator("POST", "/api/v1/policies", { body: { name, description: half } })).body).toMatchObject({ code: "VALIDATION_ERROR", detail: expect.stringContaining("body.description") });
    // Whole pairs are as good as every letter.
    await expectOperator(201, "POST", "/api/v1/tenants", { body: { ...bodyOf(name), displayName: "Acme 🦡", team: "x\u0000y", labels: { half } } });
    const { mismatches } = await expectOperator<{ mismatches: readonly { name: string }[] }>(200, "GET", "/api/v1/tenants/drift");
    expect(mismatches.filter((mismatch) => mismatch.name === name)).toEqual([]);
  });
});

describe("the trail", () => {
  it("calls a change of data sets as published clients know it", async () => {
    const name = await newTenant();
    await expectOperator(200, "PUT", `/api/v1/tenants/${name}/datasets`, { body: { org: [], team: ["a"], project: [], personal: [] } });
    const { data } = await expectOperator<{ data: readonly { action: string; resource: string }[] }>(200, "GET", `/api/v1/audit?tenant=${name}`);
    expect(data[0]).toMatchObject({ action: "DatasetsUpdated", resource: `Tenant/${name}` });
  });
});
