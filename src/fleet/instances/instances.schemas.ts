import { z } from "zod";

export const RegisterInstanceBody = z
  .object({
    instance_id: z.string().min(1).max(255),
    label: z.string().min(1).max(255),
    version: z.string().min(1).max(50),
    online: z.boolean().default(true),
    machine_fingerprint: z.string().min(1).max(64).nullish(),
    provider: z.string().max(20).nullish(),
    orgo_workspace_id: z.string().max(255).nullish(),
    orgo_workspace_name: z.string().max(255).nullish(),
    orgo_computer_id: z.string().max(255).nullish(),
  })
  .meta({ id: "RegisterInstanceRequest" });

export type RegisterInstanceInput = z.output<typeof RegisterInstanceBody>;

export const InstanceResponse = z
  .object({
    instance_id: z.string(),
    label: z.string(),
    version: z.string(),
    online: z.boolean(),
    capabilities: z.record(z.string(), z.unknown()),
    provider: z.string().nullable(),
    orgo_workspace_id: z.string().nullable(),
    orgo_workspace_name: z.string().nullable(),
    orgo_computer_id: z.string().nullable(),
    archived: z.boolean(),
    plan_disabled: z.boolean(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "InstanceResponse" });

export const InstanceListResponse = z.array(InstanceResponse);
export type InstanceView = z.output<typeof InstanceResponse>;

export const InstanceParams = z.object({ instance_id: z.string().min(1).max(255) });
