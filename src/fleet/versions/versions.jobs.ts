import { z } from "zod";
import { HOUR_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { PACKAGES } from "./versions.core";
import { upsertRelease } from "./versions.store";

const Component = z.enum(["cli", "plugin", "openclaw"]);

/** The hour's tick: one message for each component that a registry has. */
export async function enqueueReleaseChecks(ctx: Ctx): Promise<void> {
  if (!ctx.services.packages) return;
  const hour = Math.floor(ctx.clock.now() / HOUR_MS);
  await Promise.all(Component.options.map((component) => ctx.services.jobs.send({ v: 1, id: `versions.check:${component}:${hour}`, type: "versions.check", payload: component })));
}

/** Message `versions.check`: asks the registry for a component's newest release. While it does not tell, what was known stays. */
export async function checkRelease(ctx: Ctx, payload: unknown): Promise<void> {
  const component = Component.parse(payload);
  const { packages } = ctx.services;
  if (!packages) return;
  try {
    const latestVersion = await packages.findLatest(PACKAGES[component]);
    await upsertRelease(ctx, { component, latestVersion, checkedAt: ctx.clock.now() });
  } catch (error) {
    // The next hour asks again.
    if (!(error instanceof AppError)) throw error;
    ctx.log.warn("the newest release of a component is not known", { event: "versions.check.failed", component, ...describeCause(error) });
  }
}
