import type { OwnerCtx } from "../../kernel/context";
import { AppError, invalidField, notFound, tenantSuspended } from "../../kernel/errors/app-error";
import { objectOf, refOf, requireCarried } from "../instances";
import { COMMANDS_OPEN_MAX, type AnyCommandType, type CommandView } from "./commands.core";

/** Largest payload, characters of JSON. */
const PAYLOAD_MAX_CHARS = 32_000;
const KEY_MAX_CHARS = 255;

export interface CommandRequest {
  readonly instanceId: string;
  readonly type: AnyCommandType;
  readonly payload: Readonly<Record<string, unknown>> | null;
  /** `Idempotency-Key`: a repeat within a day gets the first command. */
  readonly idempotencyKey: string | null;
}

/**
 * Queues a command for one of the caller's machines. When this returns, the command is in the object's SQLite.
 * @throws AppError NOT_FOUND, INSTANCE_DISABLED_BY_PLAN, COMMAND_QUEUE_FULL, TENANT_SUSPENDED, VALIDATION_ERROR
 */
export async function createCommand(ctx: OwnerCtx, request: CommandRequest): Promise<{ readonly command: CommandView; readonly reachable: boolean }> {
  if (JSON.stringify(request.payload ?? null).length > PAYLOAD_MAX_CHARS) throw invalidField(["body", "payload"], `Payload should have at most ${PAYLOAD_MAX_CHARS} characters`, "string_too_big");
  if ((request.idempotencyKey?.length ?? 0) > KEY_MAX_CHARS) throw invalidField(["header", "idempotency-key"], `String should have at most ${KEY_MAX_CHARS} characters`, "string_too_big");
  await requireCarried(ctx, ctx.actor.userId, request.instanceId);
  const answer = await objectOf(ctx, request.instanceId).enqueueCommand(refOf(ctx, request.instanceId), { type: request.type, payload: request.payload, idempotencyKey: request.idempotencyKey });
  switch (answer.kind) {
    case "gone":
      throw notFound("Machine");
    case "queueFull":
      throw new AppError("COMMAND_QUEUE_FULL", `This machine has ${COMMANDS_OPEN_MAX} commands waiting; it is not listening.`);
    case "suspended":
      throw tenantSuspended(answer.tenant);
    case "ok":
      return answer;
  }
}

/** Restarts the machine's gateway (or a watched process by name); waits in the queue while the machine is away. */
export async function restartGateway(ctx: OwnerCtx, instanceId: string, name: string | undefined, idempotencyKey: string | null): Promise<{ ok: true; message: string; commandId: string }> {
  const { command, reachable } = await createCommand(ctx, { instanceId, type: "restart_gateway", payload: name === undefined ? {} : { name }, idempotencyKey });
  return { ok: true, message: reachable ? "Restart requested." : "The machine is offline; the restart is queued until it is back.", commandId: command.id };
}
