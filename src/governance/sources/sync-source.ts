import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { describeError } from "../../kernel/logging/logger";
import { MAX_CATALOG_ITEMS, type CatalogItem } from "../../kernel/ports/source-catalogs";
import { governed } from "../audit-trail";
import { governanceServices } from "../services";
import { isSyncable, nextRunAfterFailure, nextRunAfterSuccess } from "./sources.core";
import { endLease, holdsLease, inStatements, markGone, takeLease, upsertFoundItems, type Source } from "./sources.store";

/** A sync that has not ended by then is taken for dead, and another one begins. */
const LEASE_MS = 5 * MINUTE_MS;
const MAX_ERROR_CHARS = 300;

/**
 * Looks through a source and writes down what it offers; nothing is installed. One at a time per source; broken off anywhere, the next
 * one finishes it. What fails is the source's: it is noted and tried again later.
 */
export async function syncSource(ctx: Ctx, sourceId: string): Promise<void> {
  const run = newId("run", ctx.clock.now());
  const source = await takeLease(ctx, sourceId, run, ctx.clock.now() + LEASE_MS);
  if (!source || !isSyncable(source.kind)) return;
  try {
    let found: readonly CatalogItem[];
    try {
      found = await governanceServices(ctx).catalogs.list(source.kind, source.originUrl);
    } catch (error) {
      await noteFailure(ctx, source, run, error);
      return;
    }
    for (const some of inStatements(found)) await new Plan(ctx).require(holdsLease(source.id, run)).write(upsertFoundItems(ctx, source.id, run, some)).commit();
    await noteSuccess(ctx, source, run, found);
  } catch (error) {
    // Somebody changed or removed the source meanwhile, or took this sync for dead.
    if (!(error instanceof LostUpdateError)) throw error;
    ctx.log.info("a sync was superseded", { event: "sources.superseded", source_id: source.id });
  }
}

async function noteSuccess(ctx: Ctx, source: Source, run: string, found: readonly CatalogItem[]): Promise<void> {
  const now = ctx.clock.now();
  const plan = new Plan(ctx).guarded(endLease(ctx, source.id, run, { status: "healthy", syncError: null, failures: 0, lastSyncedAt: now, nextRunAt: nextRunAfterSuccess(source, now) }));
  // A catalogue that may have been cut says nothing of what is missing.
  if (found.length < MAX_CATALOG_ITEMS) markGone(ctx, plan, source.id, run);
  plan.audit(governed({ action: "third_party_source.sync", kind: "ThirdPartySource", key: source.id, after: { status: "healthy", found: found.length } }));
  await plan.commit();
}

async function noteFailure(ctx: Ctx, source: Source, run: string, error: unknown): Promise<void> {
  const now = ctx.clock.now();
  const failures = source.failures + 1;
  const why = error instanceof AppError ? error.message.slice(0, MAX_ERROR_CHARS) : "The source answered what could not be read.";
  ctx.log.warn("a source was not looked through", { event: "sources.sync_failed", source_id: source.id, failures, ...describeError(error) });
  await new Plan(ctx)
    .guarded(endLease(ctx, source.id, run, { status: "error", syncError: why, failures, nextRunAt: nextRunAfterFailure(source, failures, now) }))
    .audit(governed({ action: "third_party_source.fail_sync", kind: "ThirdPartySource", key: source.id, message: why, after: { status: "error", failures } }))
    .commit();
}
