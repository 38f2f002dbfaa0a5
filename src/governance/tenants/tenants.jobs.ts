import { AppError } from "../../kernel/errors/app-error";
import type { JobHandler } from "../../kernel/jobs/consume";
import { PermanentEffectError } from "../../kernel/outbox/effects";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { reconcilePage, reconcileScope } from "./reconcile-tenant";

const isNames = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((name) => typeof name === "string");

/** Handler of the effect `tenants.reconcile`. */
export const reconcileEffect: EffectHandler = async (ctx, payload, effectId) => {
  const { tenants } = (payload ?? {}) as { readonly tenants?: unknown };
  if (tenants !== "all" && !isNames(tenants)) throw new PermanentEffectError("it names no tenants");
  await reconcileScope(ctx, tenants, effectId);
};

/** Handler of the job `tenants.reconcile_page`. */
export const reconcilePageJob: JobHandler = async (ctx, payload) => {
  const { run, after } = (payload ?? {}) as Partial<Record<string, unknown>>;
  if (typeof run !== "string" || typeof after !== "string") throw new AppError("MALFORMED_REQUEST", "The job names no page.");
  await reconcilePage(ctx, run, after);
};
