import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { GATES } from "../../kernel/gates/gates";
import { toGateView, toOpenGateView, type GateListView, type GateRef, type GateView } from "./gates.schemas";
import { findGate, selectGates } from "./gates.store";

/** Gates that are set, and those that the product asks and nobody set. */
export async function listGates(ctx: OwnerCtx): Promise<z.input<typeof GateListView>> {
  const rows = await selectGates(ctx);
  const unset = Object.keys(GATES).filter((key) => !rows.some((row) => row.key === key));
  return { gates: [...rows.map(toGateView), ...unset.map(toOpenGateView)].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

/** One gate. @throws AppError NOT_FOUND: not set, and nothing asks it */
export async function getGate(ctx: OwnerCtx, { key }: z.output<typeof GateRef>): Promise<z.input<typeof GateView>> {
  const gate = await findGate(ctx, key);
  if (gate) return toGateView(gate);
  if (Object.hasOwn(GATES, key)) return toOpenGateView(key);
  throw noGate();
}

export const noGate = (): AppError => notFound("Gate");
