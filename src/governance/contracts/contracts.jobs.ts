import { activeKeyId } from "../../kernel/auth/signed-claims";
import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { deleteDangling, listTenantNamesAfter, listTenantsSignedOtherwise, listTenantsToRefresh, listTenantsToRelease } from "./contracts.store";
import { refreshTenant } from "./refresh-contracts";

/** Tenants of one job. */
const PAGE = 20;
/** Tenants worked on at once. */
const AT_ONCE = 5;
/** Contracts looked at by one tick of the sweep. */
const SWEEP_LIMIT = 100;
/** Whoever tried so recently may still be at it. */
const TRIED_RECENTLY_MS = 2 * MINUTE_MS;

/** Effect and job `contracts.refresh` `{tenants: "all" | [names]}`: what these tenants may do has changed. */
export async function refreshContracts(ctx: Ctx, payload: unknown, effectId?: string): Promise<void> {
  const tenants = tenantsOf(payload);
  if (tenants === "all") return refreshFrom(ctx, "", effectId ?? ctx.requestId);
  await refreshEach(ctx, tenants);
}

/** Job `contracts.refresh_page` `{after, round}`: tenants after that name. */
export async function refreshPage(ctx: Ctx, payload: unknown): Promise<void> {
  if (payload === null || typeof payload !== "object" || !("after" in payload) || typeof payload.after !== "string" || !("round" in payload) || typeof payload.round !== "string") throw new AppError("MALFORMED_REQUEST", "not a page of tenants");
  await refreshFrom(ctx, payload.after, payload.round);
}

/** The next page is on the queue before this one begins: one tenant that fails stops no other. */
async function refreshFrom(ctx: Ctx, after: string, round: string): Promise<void> {
  const names = await listTenantNamesAfter(ctx, after, PAGE);
  const last = names.at(-1);
  if (last !== undefined && names.length === PAGE) {
    await ctx.services.jobs.send({ v: 1, id: `contracts.page:${round}:${last}`, type: "contracts.refresh_page", payload: { after: last, round } });
  }
  await refreshEach(ctx, names);
}

/** @throws Error of the first that failed, after all were tried */
async function refreshEach(ctx: Ctx, names: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    await Promise.all(names.slice(start, start + AT_ONCE).map((name) => refreshTenant(ctx, name).catch((error: unknown) => failures.push(error))));
  }
  if (failures.length > 0) throw failures[0];
}

function tenantsOf(payload: unknown): "all" | readonly string[] {
  const tenants = payload !== null && typeof payload === "object" && "tenants" in payload ? payload.tenants : null;
  if (tenants === "all") return "all";
  if (Array.isArray(tenants) && tenants.every((name) => typeof name === "string")) return tenants;
  throw new AppError("MALFORMED_REQUEST", "names no tenants");
}

/** Finds contracts that did not reach their machines. */
export async function enqueueUndelivered(ctx: Ctx): Promise<void> {
  await enqueueRefresh(ctx, await listTenantsToRefresh(ctx, ctx.clock.now() - TRIED_RECENTLY_MS, SWEEP_LIMIT), "undelivered");
}

/** Forgets what belongs to machines and tenants that are gone, releases machines of tenants that are gone, and has contracts signed with the key in force. */
export async function sweepContracts(ctx: Ctx): Promise<void> {
  const forgotten = await deleteDangling(ctx);
  if (forgotten > 0) ctx.log.info("rows of machines and tenants that are gone were deleted", { event: "contracts.forgotten", count: forgotten });
  await enqueueRefresh(ctx, await listTenantsToRelease(ctx, SWEEP_LIMIT), "release");
  await enqueueRefresh(ctx, await listTenantsSignedOtherwise(ctx, await activeKeyId(ctx.config), SWEEP_LIMIT), "key");
}

async function enqueueRefresh(ctx: Ctx, names: readonly string[], why: string): Promise<void> {
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(names.map((name) => ctx.services.jobs.send({ v: 1, id: `contracts.refresh:${why}:${name}:${minute}`, type: "contracts.refresh", payload: { tenants: [name] } })));
}
