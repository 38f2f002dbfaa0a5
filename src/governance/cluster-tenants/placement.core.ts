import { HOUR_MS, MINUTE_MS } from "../../kernel/clock";
import type { PlaceState } from "../../kernel/ports/cluster-provisioner";

/** How long a placement may take before it has failed. */
export const PLACEMENT_MS = HOUR_MS;
const CHECK_EVERY_MS = MINUTE_MS;

/** What is written down of a placement. */
export interface Placement {
  readonly phase: "pending" | "provisioning" | "ready" | "failed";
  readonly message: string | null;
  readonly boundNamespace: string | null;
  readonly provisioner: string | null;
  readonly checkAt: number | null;
  readonly deadlineAt: number | null;
}

/** A wish nobody has worked on yet: looked at by the next tick, should its effect get lost. */
export const wished = (now: number): Placement => ({ phase: "pending", message: null, boundNamespace: null, provisioner: null, checkAt: now + CHECK_EVERY_MS, deadlineAt: now + PLACEMENT_MS });

/** Shared tenants live beside each other: the place is their name. */
export const sharedPlace = (name: string): Placement => ({ phase: "ready", message: null, boundNamespace: name, provisioner: "builtin", checkAt: null, deadlineAt: null });

/** What follows from the provisioner's word. */
export function placed(state: PlaceState, deadlineAt: number | null, now: number): Placement {
  const { phase, message, boundNamespace } = state;
  if (phase !== "provisioning") return { phase, message, boundNamespace, provisioner: "webhook", checkAt: null, deadlineAt: null };
  return deadlineAt !== null && now >= deadlineAt
    ? { phase: "failed", message: "The provisioner did not finish in time.", boundNamespace, provisioner: "webhook", checkAt: null, deadlineAt: null }
    : { phase, message, boundNamespace, provisioner: "webhook", checkAt: now + CHECK_EVERY_MS, deadlineAt };
}

/** What follows when the provisioner cannot be asked: later again, until the deadline. */
export function unplaced(why: string, deadlineAt: number | null, now: number): Placement {
  const isOver = deadlineAt !== null && now >= deadlineAt;
  return { phase: isOver ? "failed" : "provisioning", message: why, boundNamespace: null, provisioner: "webhook", checkAt: isOver ? null : now + CHECK_EVERY_MS, deadlineAt: isOver ? null : deadlineAt };
}
