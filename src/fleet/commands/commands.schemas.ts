import { z } from "zod";
import { COMMAND_TYPES } from "./commands.core";

const instanceId = z.string().min(1).max(255);

export const CreateCommandBody = z
  .object({ instance_id: instanceId, command_type: z.enum(COMMAND_TYPES), payload: z.record(z.string(), z.unknown()).nullish() })
  .meta({ id: "CreateCommandRequest" });

export const CommandResponse = z.object({ id: z.string(), status: z.string(), commandType: z.string() }).meta({ id: "CommandResponse" });

export const CommandStatusResponse = z
  .object({
    id: z.string(),
    commandType: z.string(),
    status: z.string(),
    result: z.string().nullable(),
    createdAt: z.string(),
    deliveredAt: z.string().nullable(),
    acknowledgedAt: z.string().nullable(),
    completedAt: z.string().nullable(),
  })
  .meta({ id: "CommandStatusResponse" });
export const CommandListResponse = z.array(CommandStatusResponse);

export const CommandResultBody = z
  .object({ status: z.string().regex(/^(success|failed)$/), result: z.string(), new_version: z.string().nullish() })
  .meta({ id: "CommandResultRequest" });
export type CommandResultInput = z.output<typeof CommandResultBody>;

export const GatewayRestartBody = z.object({ instance_id: instanceId, name: z.string().min(1).max(255).optional() }).meta({ id: "GatewayRestartRequest" });
export const GatewayRestartResponse = z.object({ ok: z.boolean(), message: z.string(), commandId: z.string() }).meta({ id: "GatewayRestartResponse" });

export const CommandParams = z.object({ command_id: z.string().min(1).max(128) });
export const CommandListParams = z.object({ instance_id: instanceId });
