import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { Transfer } from "./skills.store";

const instanceId = z.string().min(1).max(255);
const skillName = z.string().min(1).max(255);

export const SkillsView = z.array(
  z
    .object({
      name: z.string(),
      description: z.string(),
      source: z.string(),
      useCount: z.int(),
      confirmed: z.boolean(),
      createdAt: z.string().nullable(),
      installedOn: z.array(z.object({ instanceId: z.string(), hostname: z.string().nullable() }).meta({ id: "SkillMachineInfo" })).nullable(),
    })
    .meta({ id: "SkillSummary" }),
);

export const InstallSkillBody = z.object({ skill_name: skillName, target_instance_id: instanceId }).meta({ id: "SkillInstallRequest" });

const status = z.enum(["waiting_source", "sending", "installed", "failed", "expired"]);

export const InstallSkillView = z
  .object({
    ok: z.boolean(),
    message: z.string(),
    command_id: z.string().nullable().meta({ description: "The command that is waited for: the target's, or before it the source's." }),
    transfer_id: z.string().nullable().meta({ description: "Null when the target has this very skill already." }),
    status,
  })
  .meta({ id: "SkillInstallResponse" });

export const TransferRef = z.object({ transfer_id: z.string().min(1).max(64) });
export const TransferView = z
  .object({
    transfer_id: z.string(),
    skill_name: z.string(),
    source_instance_id: z.string(),
    target_instance_id: z.string(),
    digest: z.string(),
    status,
    message: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: "SkillTransfer" });

export const ContentRef = z.object({ digest: z.string().min(1).max(128) });
export const StoreContentQuery = z.object({ transfer_id: z.string().min(1).max(64).optional(), skill_name: skillName.optional() });
export const StoredContentView = z
  .object({ digest: z.string(), size_bytes: z.int(), format: z.enum(["bundle", "text"]), stored: z.boolean() })
  .meta({ id: "StoredSkillContent" });

const messageOf = ({ state, failure }: Transfer): string => {
  switch (state) {
    case "waiting_source":
      return "The skill is being fetched from the machine that has it; this waits while that is offline.";
    case "sending":
      return "The installation is queued on the target machine.";
    case "installed":
      return "The skill is installed.";
    case "failed":
      return failure ?? "The skill could not be installed.";
    case "expired":
      return "The machines did not answer within a day.";
  }
};

export const toInstallView = (transfer: Transfer): z.input<typeof InstallSkillView> => ({
  ok: transfer.state !== "failed" && transfer.state !== "expired",
  message: messageOf(transfer),
  command_id: transfer.installCommandId ?? transfer.exportCommandId,
  transfer_id: transfer.id,
  status: transfer.state,
});

export const toTransferView = (transfer: Transfer): z.input<typeof TransferView> => ({
  transfer_id: transfer.id,
  skill_name: transfer.skillName,
  source_instance_id: transfer.sourceInstanceId,
  target_instance_id: transfer.targetInstanceId,
  digest: transfer.digest,
  status: transfer.state,
  message: messageOf(transfer),
  created_at: iso(transfer.createdAt),
  updated_at: iso(transfer.updatedAt),
  expires_at: iso(transfer.expiresAt),
});
