import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { GovernanceFacts } from "../../../durable-objects/instance/governance.rpc";
import type { ListedBot, ListedMachine } from "./tenant-machines.store";

const name = z.string().min(1).max(63);
export const TenantRef = z.object({ name });
export const TenantMachineRef = z.object({ name, instanceId: z.string().min(1).max(255) });
export const TenantBotRef = z.object({ name, botId: z.string().min(1).max(64) });

/** `owner`: the address of the account whose it is; the tenant's own unless told. */
export const OwnerBody = z.object({ owner: z.email().max(254).optional() }).meta({ id: "OwnedBy" });

export const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(100),
  after: z.string().max(255).default("").meta({ description: "The last `instanceId` of the page before" }),
});

export const TenantMachineView = z
  .object({
    instanceId: z.string(),
    owner: z.string(),
    label: z.string(),
    online: z.boolean(),
    attachedAt: z.iso.datetime(),
    contractId: z.string().nullable(),
    revision: z.int().nullable().meta({ description: "Of the contract that the machine should have" }),
    deliveredRevision: z.int().nullable().meta({ description: "Of the contract that lies ready for it" }),
    reportedContractId: z.string().nullable(),
    reportedRevision: z.int().nullable().meta({ description: "Of the contract that the machine says it has" }),
    awarenessVersion: z.string().nullable(),
    enforcing: z.array(z.string()),
    lastReportAt: z.iso.datetime().nullable(),
    inSync: z.boolean(),
  })
  .meta({ id: "TenantMachine" });
export const TenantMachineListView = z.array(TenantMachineView).meta({ id: "TenantMachineList" });

export const TenantBotView = z
  .object({
    botId: z.string(),
    name: z.string(),
    username: z.string(),
    matrixId: z.string(),
    runtime: z.enum(["openclaw", "hermes"]),
    instanceId: z.string().nullable(),
    owner: z.string(),
    via: z.enum(["tenant", "machine"]).meta({ description: "Whether the tenant owns the bot itself, or the machine that it lives on" }),
  })
  .meta({ id: "TenantBot" });
export const TenantBotListView = z.array(TenantBotView).meta({ id: "TenantBotList" });

export const ReleasedMachineView = z.object({ instanceId: z.string(), status: z.literal("released") }).meta({ id: "ReleasedMachine" });
export const ReleasedBotView = z.object({ botId: z.string(), status: z.literal("released") }).meta({ id: "ReleasedBot" });

/** @param facts what the machine's object knows; null when it could not be asked, or was told nothing yet */
export function toMachineView(listed: ListedMachine, tenant: string, facts: GovernanceFacts | null): z.input<typeof TenantMachineView> {
  const { userId: _, ...machine } = listed;
  const known = facts?.tenant === tenant && !facts.released ? facts : null;
  return {
    ...machine,
    attachedAt: iso(machine.attachedAt),
    reportedContractId: known?.reportedContractId ?? null,
    reportedRevision: known?.reportedRevision ?? null,
    awarenessVersion: known?.awarenessVersion ?? null,
    enforcing: [...(known?.enforcing ?? [])],
    lastReportAt: known === null || known.lastReportAt === null ? null : iso(known.lastReportAt),
    inSync: machine.revision !== null && machine.deliveredRevision === machine.revision && known?.reportedRevision === machine.revision,
  };
}

export const toBotView = (bot: ListedBot, via: "tenant" | "machine"): z.input<typeof TenantBotView> => ({ ...bot, via });
