import type { z } from "zod";
import { tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { project } from "../projections";
import { participationProjector } from "./awareness.projectors";
import type { EventBody, RecordedView } from "./awareness.schemas";

const MAX_TEXT = 300;
const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, MAX_TEXT) : "");

/** Takes what an agent reports of itself; the same key again is a duplicate and counts once. @throws AppError TENANT_NOT_FOUND */
export async function recordParticipation(ctx: Ctx, body: z.output<typeof EventBody>): Promise<z.input<typeof RecordedView>> {
  const { actor } = ctx;
  if (actor.type !== "tenant") throw new AppError("FORBIDDEN", "Only a tenant's own token reports for it.");
  const now = ctx.clock.now();
  const event = {
    kind: body.kind,
    idempotencyKey: body.idempotencyKey,
    at: body.occurredAt == null ? now : Math.max(0, Math.min(Date.parse(body.occurredAt), now)),
    contractVersion: body.contractVersion ?? undefined,
    outcome: body.outcome ?? undefined,
    violation: body.outcome === "policy-violation" ? { kind: textOf(body.payload?.kind) || "skill", subject: textOf(body.payload?.subject) } : undefined,
  };
  const answer = await tenantObject(ctx.objects, actor.tenant).recordParticipation({ events: [event], seenAt: now });
  if (answer.kind === "missing") throw refusal("TENANT_NOT_FOUND", "This tenant does not exist any more.");
  if (answer.entry) await project(ctx, { object: "tenant", name: actor.tenant }, answer.entry, participationProjector);
  const recorded = answer.recorded[0] ?? false;
  return { recorded, duplicate: !recorded };
}
