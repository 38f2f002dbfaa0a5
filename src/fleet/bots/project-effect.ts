import type { Effect } from "../../kernel/outbox/effects";

/** Payload of the effect `bots.project`: whose counters and which machines' rosters changed. */
export interface ProjectBotsPayload {
  readonly userId: number;
  readonly instanceIds: readonly string[];
}

/** Tells objects about a change of bots, after its commit. */
export function projectEffect(userId: number, instanceIds: readonly (string | null)[]): Effect {
  const payload: ProjectBotsPayload = { userId, instanceIds: [...new Set(instanceIds.filter((id) => id !== null))] };
  return { type: "bots.project", payload };
}
