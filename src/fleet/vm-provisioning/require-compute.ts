import { webOrigin, type Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { ComputeError, type Compute } from "../../kernel/ports/compute";

/** The provider of new machines, or (`driver`) the one that has this machine. @throws AppError DEPENDENCY_UNAVAILABLE when it is not configured */
export function requireCompute(ctx: Ctx, driver?: string): Compute {
  const { compute } = ctx.services;
  if (!compute) throw new AppError("DEPENDENCY_UNAVAILABLE", "Cloud machines are not available on this server: no provider is configured.");
  if (driver !== undefined && compute.driver !== driver) throw new AppError("DEPENDENCY_UNAVAILABLE", `This machine is at the provider ${driver}, which this server has no access to any more.`);
  return compute;
}

/** Where a machine's daemon finds this server. */
export const serverUrlOf = (ctx: Ctx): string => (ctx.config.compute?.driver === "process" ? ctx.config.compute.serverUrl : webOrigin(ctx));

/** A provider's failure as callers of the API see it. */
export function toAppError(error: ComputeError): AppError {
  switch (error.fault) {
    case "capacity":
      return new AppError("PROVIDER_CAPACITY", "The provider has no room for another machine right now; try again later.", { cause: error, retryAfterSeconds: 300 });
    case "refused":
    case "unauthorized":
      return new AppError("BAD_GATEWAY", "The provider of cloud machines refused the request.", { cause: error });
    case "gone":
    case "not_ready":
    case "busy":
    case "unavailable":
      return new AppError("DEPENDENCY_UNAVAILABLE", "The provider of cloud machines does not answer; we go on trying.", { cause: error, retryAfterSeconds: 30 });
  }
}
