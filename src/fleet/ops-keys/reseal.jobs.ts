import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { seal, sealKeyId, unseal } from "../../kernel/crypto/envelope";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { afterPass, nextPlace } from "./keys.core";
import { countSealed } from "./keys.queries";
import { findRun, findRunning, updateRun, type ResealRun } from "./keys.store";

/** Rows of one commit, and commits of one message: what a message may ask of D1 is bounded. */
const ROWS = 80;
const STEPS = 8;
/** A walk without news for this long lost its message. */
const QUIET_MS = 2 * MINUTE_MS;

/** Puts a walk whose message got lost on the queue again. */
export async function enqueueReseal(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const run = await findRunning(ctx);
  if (run && run.updatedAt <= now - QUIET_MS) await sendOn(ctx, run, `:${Math.floor(now / MINUTE_MS)}`);
}

const sendOn = (ctx: Ctx, run: ResealRun, again = ""): Promise<void> => ctx.services.jobs.send({ v: 1, id: `keys.reseal:${run.id}:${run.version}${again}`, type: "keys.reseal", payload: run.id });

/**
 * Job `keys.reseal`: goes some steps further and passes the rest on. Every step is one commit of its rows and of how far the walk is, so that one
 * that breaks off is gone on with, and of two deliveries one stops.
 */
export async function resealJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") return;
  let run = await findRun(ctx, payload);
  try {
    for (let step = 0; step < STEPS && run?.state === "running"; step++) run = await takeStep(ctx, run);
  } catch (error) {
    if (error instanceof LostUpdateError) return;
    throw error;
  }
  if (run?.state === "running") await sendOn(ctx, run);
}

async function takeStep(ctx: Ctx, run: ResealRun): Promise<ResealRun> {
  const ring = ctx.config.sealKeys;
  // Another deployment has another newest key: two walks with two aims would never end.
  if (ring.activeId !== run.keyId) return end(ctx, run, "incomplete", await countOthers(ctx, run.keyId));
  const sealedColumns = await ctx.sealedColumns();
  const column = sealedColumns.find(({ name }) => name === run.columnName) ?? sealedColumns[0];
  if (!column) throw new Error("there is no sealed column");
  const values = await column.list(ctx, column.name === run.columnName ? run.afterRowid : 0, ROWS);
  const stale = values.filter(({ value }) => sealKeyId(value) !== ring.activeId);
  const renewed = await Promise.all(
    stale.map(async (old) => {
      const text = await unseal(ring, old.value, old.context);
      return text === null ? null : { old, next: await seal(ring, text, old.context) };
    }),
  );
  const plan = new Plan(ctx);
  for (const one of renewed) if (one) plan.write(column.replace(ctx, one.old, one.next));
  const resealed = renewed.filter((one) => one !== null).length;
  const counts = { seen: run.seen + values.length, resealed: run.resealed + resealed, unreadable: run.unreadable + stale.length - resealed };
  const place = nextPlace(sealedColumns.map(({ name }) => name), { columnName: column.name, afterRowid: run.afterRowid }, values.at(-1)?.rowid ?? null, values.length === ROWS);
  if (place) return save(ctx, plan, run, { ...counts, ...place });
  const walked = await save(ctx, plan, run, { ...counts, columnName: column.name, afterRowid: values.at(-1)?.rowid ?? run.afterRowid });
  const leftOver = await countOthers(ctx, run.keyId);
  const outcome = afterPass(run.pass, leftOver, walked.unreadable);
  if (outcome === "again") return save(ctx, new Plan(ctx), walked, { pass: run.pass + 1, columnName: null, afterRowid: 0, unreadable: 0 });
  return end(ctx, walked, outcome, leftOver);
}

/** @throws LostUpdateError when another delivery went on from here */
async function save(ctx: Ctx, plan: Plan, run: ResealRun, change: Partial<ResealRun>): Promise<ResealRun> {
  const now = ctx.clock.now();
  await plan.guarded(updateRun(ctx, run, change, now)).commit();
  return { ...run, ...change, updatedAt: now, version: run.version + 1 };
}

async function end(ctx: Ctx, run: ResealRun, state: "completed" | "incomplete", leftOver: number): Promise<ResealRun> {
  const plan = new Plan(ctx).audit({
    action: "keys.reseal_end",
    tenantId: null,
    subject: { type: "reseal_run", id: run.id },
    detail: { state, key_id: run.keyId, resealed: run.resealed, unreadable: run.unreadable, left_over: leftOver },
  });
  const ended = await save(ctx, plan, run, { state, leftOver, endedAt: ctx.clock.now() });
  ctx.log.info("everything sealed was walked through", { event: "reseal.ended", run_id: run.id, outcome: state, resealed: run.resealed, left_over: leftOver });
  return ended;
}

/** Values under other keys than `keyId`. */
async function countOthers(ctx: Ctx, keyId: string): Promise<number> {
  return (await countSealed(ctx)).reduce((sum, one) => sum + (one.keyId === keyId ? 0 : one.count), 0);
}
