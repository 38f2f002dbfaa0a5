import { directoryObject, tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { assessDrift, type Compared, type DriftReport } from "../projections";
import { TENANT_KIND } from "./tenant-projector";
import { phaseOf, type TenantState } from "./tenants.core";
import { listTenantRows, listTenantRowsOf, type TenantRow } from "./tenants.store";

/** Objects asked at the same time. */
const ASK_AT_ONCE = 50;
const PAGE = 1_000;

/** What the published report names as compared. */
export const COMPARED_FIELDS = ["displayName", "email", "team"] as const;
/** Whatever else D1 shows of a tenant: a difference in any of it is drift, too. */
export const ALSO_COMPARED = ["monthlyBudgetUsd", "resources", "skillAllowlist", "policyRef", "clusterTenantRef", "labels", "wave", "suspended", "datasets", "phase", "policy", "revision"] as const;

/** What was found: the report, the sources as they are, and what the directory does not know or should forget. */
export interface TenantSurvey {
  readonly report: DriftReport;
  readonly states: ReadonlyMap<string, TenantState>;
  /** Names in the directory of which there is no tenant. */
  readonly unborn: readonly string[];
  /** Tenants that are not in the directory. */
  readonly unlisted: readonly string[];
}

/** More that disagree are no tenants that were changed while we looked. */
const LOOK_AGAIN_MAX = 90;

/**
 * Asks every tenant's object and compares with D1. Objects are asked by the names of the directory and of the rows, so that a
 * name missing in one of both hides nothing. Those that disagree are looked at once more: a tenant that was changed between the two
 * reads, or whose projection was on its way, has not drifted.
 */
export async function assessTenants(ctx: Ctx): Promise<TenantSurvey> {
  const [listed, read] = await Promise.all([listDirectory(ctx), listTenantRows(ctx)]);
  const known = new Set(listed);
  const rows = new Map(read.map((row) => [row.name, row]));
  const states = await askObjects(ctx, [...new Set([...listed, ...rows.keys()])]);
  const compare = (): Promise<DriftReport> => assessDrift(ctx, TENANT_KIND, [...COMPARED_FIELDS, ...ALSO_COMPARED], [...states.values()].map(comparedState), [...rows.values()].map(comparedRow));
  let report = await compare();
  const doubtful = report.mismatches.map(({ name }) => name);
  if (doubtful.length > 0 && doubtful.length <= LOOK_AGAIN_MAX) {
    replace(rows, doubtful, new Map((await listTenantRowsOf(ctx, doubtful)).map((row) => [row.name, row])));
    replace(states, doubtful, await askObjects(ctx, doubtful));
    report = await compare();
  }
  return { report, states, unborn: listed.filter((name) => !states.has(name)), unlisted: [...states.keys()].filter((name) => !known.has(name)) };
}

/** What the tenants' objects say; nothing of names that are no tenant's. */
async function askObjects(ctx: Ctx, names: readonly string[]): Promise<Map<string, TenantState>> {
  const states = new Map<string, TenantState>();
  for (let start = 0; start < names.length; start += ASK_AT_ONCE) {
    const some = names.slice(start, start + ASK_AT_ONCE);
    const found = await Promise.all(some.map((name) => tenantObject(ctx.objects, name).getState()));
    for (const state of found) if (state) states.set(state.name, state);
  }
  return states;
}

/** Puts what is known now of `names` in place of what was. */
function replace<T>(known: Map<string, T>, names: readonly string[], now: ReadonlyMap<string, T>): void {
  for (const name of names) {
    const value = now.get(name);
    if (value === undefined) known.delete(name);
    else known.set(name, value);
  }
}

/** Puts right what a survey found wrong with the directory: names of which no tenant came are forgotten, tenants that are missing are put in. */
export async function tidyDirectory(ctx: Ctx, { states, unborn, unlisted }: TenantSurvey): Promise<void> {
  const directory = directoryObject(ctx.objects);
  for (const name of unborn) await directory.forget(name);
  for (const name of unlisted) await directory.settle(name, states.get(name)?.revision ?? 0, "live");
}

/** All names of the directory, in order. */
async function listDirectory(ctx: Ctx): Promise<string[]> {
  const directory = directoryObject(ctx.objects);
  const names: string[] = [];
  for (let after: string | null = null; ; ) {
    const { entries, next } = await directory.list(after, PAGE);
    names.push(...entries.map(({ name }) => name));
    if (next === null) return names;
    after = next;
  }
}

const comparedState = ({ name, spec, datasets, resolution, revision, updatedAt }: TenantState): Compared => ({
  name,
  revision,
  updatedAt,
  fields: { ...spec, datasets, phase: phaseOf(spec, resolution), policy: resolution, revision },
});

const comparedRow = (row: TenantRow): Compared => ({
  name: row.name,
  revision: row.revision,
  updatedAt: row.updatedAt,
  fields: { ...row, policy: row.policySource && { name: row.policyName, source: row.policySource, state: row.policyState, message: row.policyMessage } },
});
