import { instanceObjectByCommandId } from "../../../durable-objects/stubs";
import type { CommandAnswer, InstanceRpc } from "../../../durable-objects/instance/instance.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { objectOf, refOf, speakFor } from "../instances";
import type { CommandStatus, CommandView } from "./commands.core";
import type { CommandResultInput } from "./commands.schemas";


/** The machine has the command. Repeats are harmless. @throws AppError NOT_FOUND, COMMAND_FINISHED, TOKEN_REVOKED, TOKEN_BOUND */
export function acknowledgeCommand(ctx: OwnerCtx, commandId: string): Promise<CommandView> {
  return advance(ctx, commandId, (object, caller) => object.acknowledgeCommand(ctx.actor.userId, caller, commandId));
}

/** The machine is done. The same result again is harmless. @throws AppError NOT_FOUND, COMMAND_FINISHED, TOKEN_REVOKED, TOKEN_BOUND */
export function recordCommandResult(ctx: OwnerCtx, commandId: string, input: CommandResultInput): Promise<CommandView> {
  const result = { status: input.status === "success" ? ("success" as const) : ("failed" as const), result: input.result, newVersion: input.new_version ?? null };
  return advance(ctx, commandId, (object, caller) => object.recordCommandResult(ctx.actor.userId, caller, commandId, result));
}

async function advance(ctx: OwnerCtx, commandId: string, call: (object: InstanceRpc, caller: Parameters<InstanceRpc["acknowledgeCommand"]>[1]) => Promise<CommandAnswer>): Promise<CommandView> {
  const object = instanceObjectByCommandId(ctx.objects, commandId);
  if (!object) throw notFound("Command");
  const answer = await speakFor(ctx, "NOT_FOUND", (caller) => call(object, caller));
  if (answer.kind === "finished") throw new AppError("COMMAND_FINISHED", `The command is already ${answer.command.status}.`, { extras: { status: answer.command.status } });
  return answer.command;
}

/** Commands of the last 24 hours, newest first. @throws AppError NOT_FOUND */
export async function listCommands(ctx: OwnerCtx, instanceId: string): Promise<readonly CommandStatus[]> {
  const commands = await objectOf(ctx, instanceId).listCommands(refOf(ctx, instanceId));
  if (!commands) throw notFound("Machine");
  return commands;
}
