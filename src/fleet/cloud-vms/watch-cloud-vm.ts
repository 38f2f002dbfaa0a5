import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { openFilteredStream, type DashboardStreamQuery } from "../streams";
import { findVm } from "../vm-provisioning";
import { isSettled, openingOf, passageOf } from "./events.core";

/**
 * A stream of how one machine comes to be: what is true now, then every change until it settles. One D1 read at its beginning, none after.
 * @throws AppError NOT_FOUND for a foreign or unknown machine, OVERLOADED
 */
export function watchCloudVm(ctx: OwnerCtx, request: Request, instanceId: string, query: z.output<typeof DashboardStreamQuery>): Promise<Response> {
  return openFilteredStream(ctx, request, query, async () => {
    const vm = await findVm(ctx, ctx.actor.userId, instanceId);
    if (!vm) throw notFound("Cloud VM");
    return { opening: openingOf(vm), over: isSettled(vm.status), pass: (data) => passageOf(data, vm) };
  });
}
