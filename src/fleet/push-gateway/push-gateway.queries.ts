import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import type { GatewayHealthView } from "./push-gateway.schemas";

/** Whether notifications get through to the gateway. @throws AppError DEPENDENCY_UNAVAILABLE when they do not */
export async function getGatewayHealth(ctx: Ctx): Promise<z.input<typeof GatewayHealthView>> {
  const { push } = ctx.services;
  if (!push) throw new AppError("DEPENDENCY_UNAVAILABLE", "No push gateway is configured.", { extras: { status: "not_configured" } });
  if (!(await push.isHealthy())) throw new AppError("DEPENDENCY_UNAVAILABLE", "The push gateway does not answer.", { extras: { status: "unhealthy" } });
  return { status: "healthy", timestamp: iso(ctx.clock.now()) };
}
