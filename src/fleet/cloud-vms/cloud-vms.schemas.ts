import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { type CloudVm, CPUS, type ListedVm, percentOf, RAM_GB } from "../vm-provisioning";

const oneOf = (values: readonly number[]) => ({ message: `Input should be one of ${values.join(", ")}` });

export const CreateCloudVmBody = z
  .object({
    name: z.string().trim().min(1).max(64).nullish(),
    cpu: z
      .int()
      .min(1)
      .max(16)
      .refine((n) => CPUS.some((cpu) => cpu === n), oneOf(CPUS))
      .default(2),
    ram: z
      .int()
      .min(4)
      .max(64)
      .refine((n) => RAM_GB.some((ram) => ram === n), oneOf(RAM_GB))
      .default(8)
      .meta({ description: "GiB" }),
    disk_size_gb: z.int().min(8).max(200).nullish().meta({ description: "GiB; the provider's default when absent" }),
    llm_provider: z
      .string()
      .regex(/^(gemini|anthropic|openrouter)$/)
      .nullish()
      .meta({ description: "Whose model its agents use; absent together with the key: none yet" }),
    llm_api_key: z.string().min(8).max(512).regex(/^[\x21-\x7e]+$/, "A key has neither spaces nor control characters").nullish(),
  })
  .superRefine((body, check) => {
    if ((body.llm_provider ?? null) === null && (body.llm_api_key ?? null) !== null) check.addIssue({ code: "custom", path: ["llm_provider"], message: "Field required beside llm_api_key" });
    if ((body.llm_provider ?? null) !== null && (body.llm_api_key ?? null) === null) check.addIssue({ code: "custom", path: ["llm_api_key"], message: "Field required beside llm_provider" });
  })
  .meta({ id: "CreateCloudVmRequest" });

export type CreateCloudVmInput = z.output<typeof CreateCloudVmBody>;

export const CloudVmRef = z.object({ instance_id: z.string().min(1).max(255) });

/** What the answers about one machine share beyond the contract. */
const progress = {
  step: z.string().meta({ description: "create, boot, install, setup or online: what is being done, or where it failed" }),
  step_percent: z.int().meta({ description: "0 to 100 of this step" }),
  percent: z.int().meta({ description: "0 to 100 of the whole way" }),
  last_error: z.string().nullable(),
  last_error_at: z.string().nullable(),
};

export const CloudVmView = z
  .object({ instance_id: z.string(), orgo_computer_id: z.string().meta({ description: "Empty while the provider has not told it" }), provision_status: z.string(), provision_detail: z.string().nullable(), name: z.string(), ...progress })
  .meta({ id: "CloudVmResponse" });

export const ProvisionStatusView = z
  .object({ instance_id: z.string(), orgo_computer_id: z.string().nullable(), provision_status: z.string().nullable(), provision_detail: z.string().nullable(), online: z.boolean(), ...progress })
  .meta({ id: "ProvisionStatusResponse" });

export const InFlightView = z
  .object({ instance_id: z.string(), name: z.string().nullable(), provision_status: z.string(), provision_detail: z.string().nullable(), ...progress })
  .meta({ id: "InFlightCloudVMItem" });

export const InFlightListView = z.array(InFlightView);

const CloudVmItem = ProvisionStatusView.extend({
  name: z.string(),
  cpu: z.int(),
  ram: z.int(),
  disk_size_gb: z.int().nullable(),
  llm_provider: z.string().nullable(),
  driver: z.string(),
  orgo_workspace_id: z.string().nullable(),
  orgo_workspace_name: z.string().nullable(),
  addon_id: z.string().nullable().meta({ description: "The add-on that pays for it; null: included in the plan" }),
  unpaid_since: z.string().nullable(),
  destroy_after: z.string().nullable().meta({ description: "When it is destroyed because nobody pays for it" }),
  created_at: z.string(),
}).meta({ id: "CloudVmItem" });

export const CloudVmListView = z
  .object({ cloud_vms: z.array(CloudVmItem), included: z.int().meta({ description: "How many the plan includes; -1: as many as wanted" }), addons: z.int().meta({ description: "Add-ons that pay for a machine, or may" }), available: z.int().meta({ description: "How many more may be made; -1: no limit" }) })
  .meta({ id: "CloudVmList" });

const progressOf = (vm: CloudVm) => ({
  step: vm.step,
  step_percent: vm.stepPercent,
  percent: percentOf(vm),
  last_error: vm.lastError,
  last_error_at: isoOrNull(vm.lastErrorAt),
});

export const toCloudVmView = (vm: CloudVm): z.input<typeof CloudVmView> => ({
  instance_id: vm.instanceId,
  orgo_computer_id: vm.computerId ?? "",
  provision_status: vm.status,
  provision_detail: vm.detail,
  name: vm.name,
  ...progressOf(vm),
});

export const toProvisionStatus = (vm: CloudVm, online: boolean): z.input<typeof ProvisionStatusView> => ({
  instance_id: vm.instanceId,
  orgo_computer_id: vm.computerId,
  provision_status: vm.status,
  provision_detail: vm.detail,
  online,
  ...progressOf(vm),
});

export const toInFlightItem = (vm: CloudVm): z.input<typeof InFlightView> => ({ instance_id: vm.instanceId, name: vm.name, provision_status: vm.status, provision_detail: vm.detail, ...progressOf(vm) });

export const toCloudVmItem = ({ vm, addonId }: ListedVm, online: boolean): z.input<typeof CloudVmItem> => ({
  ...toProvisionStatus(vm, online),
  name: vm.name,
  cpu: vm.cpu,
  ram: vm.ramGb,
  disk_size_gb: vm.diskGb,
  llm_provider: vm.llmProvider,
  driver: vm.driver,
  orgo_workspace_id: vm.workspaceId,
  orgo_workspace_name: vm.workspaceName,
  addon_id: addonId,
  unpaid_since: isoOrNull(vm.unpaidSince),
  destroy_after: isoOrNull(vm.destroyAfter),
  created_at: iso(vm.createdAt),
});

