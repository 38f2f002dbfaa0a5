import { HOUR_MS, MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { listGracesOver, listWaitingForProvider } from "./downgrades.store";
import { applyPlan } from "./follow-plan";
import { listOverCapacity } from "./over-capacity.store";

const GRACES_MAX = 200;
const PEOPLE_MAX = 200;

/** The minute's tick: requests whose grace is over, one message each. */
export async function enqueueGraceEnds(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const ids = await listGracesOver(ctx, now, GRACES_MAX);
  const minute = Math.floor(now / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `downgrade.grace_end:${id}:${minute}`, type: "downgrade.grace_end", payload: id })));
  if (ids.length > 0) ctx.log.info("ends of grace enqueued", { event: "downgrades.swept", count: ids.length });
}

/**
 * The hour's tick: people over a cap whom no request names, since trials end without a word and administrators lower caps; and open requests
 * that wait for a provider, whose change may have been taken back.
 */
export async function enqueueChecks(ctx: Ctx): Promise<void> {
  const [rows, waiting] = await Promise.all([listOverCapacity(ctx, { after: null, limit: PEOPLE_MAX, unflagged: true }), listWaitingForProvider(ctx, PEOPLE_MAX)]);
  const people = [...new Set([...rows.map((row) => row.user_id), ...waiting])];
  const hour = Math.floor(ctx.clock.now() / HOUR_MS);
  await Promise.all(people.map((id) => ctx.services.jobs.send({ v: 1, id: `downgrade.check:${id}:${hour}`, type: "downgrade.check", payload: id })));
  if (people.length > 0) ctx.log.info("people whose requests may be out of step enqueued", { event: "downgrades.checked", count: people.length });
}

/** Job `downgrade.check`: somebody's requests may be out of step with the plan. */
export async function checkCapacityJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "number") throw new AppError("MALFORMED_REQUEST", "not a person");
  await applyPlan(ctx, { tenantId: payload, fromPlanId: null, trigger: "sweep", cause: `sweep:${payload}` });
}
