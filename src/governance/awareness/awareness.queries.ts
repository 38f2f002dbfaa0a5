import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { toRolloutView, toTenantParticipation, type ParticipationQuery, type ParticipationView, type ResolvedView, type RolloutView, type TenantRef } from "./awareness.schemas";
import { findRollout, findRolloutOf, listParticipation } from "./awareness.store";
import { judge, NEVER_SEEN } from "./participation.core";
import { resolveVersion, type Rollout } from "./rollout.core";

/** The rollout in force. */
export async function getRollout(ctx: Ctx): Promise<z.input<typeof RolloutView>> {
  return toRolloutView(await findRollout(ctx));
}

/** Which version a tenant runs. @throws AppError NOT_FOUND */
export async function resolveForTenant(ctx: Ctx, { tenant }: z.output<typeof TenantRef>): Promise<z.input<typeof ResolvedView>> {
  const found = await findRolloutOf(ctx, tenant);
  if (!found) throw notFound("Tenant");
  return { tenant, ...resolveVersion(found.rollout, found.wave) };
}

/** How the fleet takes part. The totals are the whole fleet's, whatever `severity` asks for; never seen is a warning. */
export async function reportParticipation(ctx: Ctx, { severity }: z.output<typeof ParticipationQuery>): Promise<z.input<typeof ParticipationView>> {
  const { rollout, rows } = await listParticipation(ctx);
  const now = ctx.clock.now();
  const tenants = rows.map(({ tenant, wave, known }) => {
    const expected = resolveVersion(rollout, wave).version;
    const participation = known ?? NEVER_SEEN;
    return toTenantParticipation(tenant, participation, expected, judge(participation, expected, now));
  });
  const count = (is: (one: (typeof tenants)[number]) => boolean): number => tenants.filter(is).length;
  return {
    total: tenants.length,
    participating: count((one) => one.participating),
    drifted: count((one) => one.drifted),
    critical: count((one) => one.severity === "critical"),
    warning: count((one) => one.severity === "warning"),
    tenants: severity === undefined ? tenants : tenants.filter((one) => one.severity === severity),
  };
}

/** The rollout as D1 shows it, for {@link resolveVersion}. */
export const readRollout = (ctx: Ctx): Promise<Rollout> => findRollout(ctx);
