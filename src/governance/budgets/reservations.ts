import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { requireModelKey } from "../model-keys";
import { toReservationView, type ReservationRef, type ReservationView, type ReserveBody, type SettleBody } from "./budgets.schemas";
import { releaseSpend, reserveSpend, settleSpend } from "./spend";

/** Reserves for the tenant of the caller's model key, or for whomever an operator names. @throws AppError as {@link reserveSpend}, and VALIDATION_ERROR */
export async function createReservation(ctx: Ctx, { tenant, ...input }: z.output<typeof ReserveBody>): Promise<z.input<typeof ReservationView>> {
  const { actor } = ctx;
  if (actor.type === "modelKey" && tenant !== undefined && tenant !== actor.tenant) throw invalidField(["body", "tenant"], "A model key spends its own tenant's budget");
  return toReservationView(await reserveSpend(ctx, { owner: ownerOf(ctx), ...input, tenant: actor.type === "modelKey" ? actor.tenant : tenant }));
}

/** @throws AppError as {@link settleSpend} */
export async function settleReservation(ctx: Ctx, { id, ...usage }: z.output<typeof ReservationRef> & z.output<typeof SettleBody>): Promise<z.input<typeof ReservationView>> {
  return toReservationView(await settleSpend(ctx, ownerOf(ctx), id, usage));
}

/** @throws AppError as {@link releaseSpend} */
export async function deleteReservation(ctx: Ctx, { id }: z.output<typeof ReservationRef>): Promise<void> {
  await releaseSpend(ctx, ownerOf(ctx), id);
}

/** A tenant's keys share its reservations, so that one that is issued anew can settle what the last one reserved; operators share theirs. */
function ownerOf(ctx: Ctx): string {
  const { actor } = ctx;
  return actor.type === "operator" ? "operator" : `tenant:${requireModelKey(ctx).tenant}`;
}
