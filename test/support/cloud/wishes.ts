import type { CreateCloudVmInput } from "../../../src/fleet/cloud-vms/cloud-vms.schemas";
import { signUpUser } from "../client";
import { setPlan } from "../plans";
import { World } from "./world";

/** A key of a model's provider that nobody may ever see again. */
export const LLM_KEY = "sk-ant-secret-that-nobody-shall-see-0123456789";

/** What an owner asks for. */
export const wish = (overrides: Partial<CreateCloudVmInput> = {}): CreateCloudVmInput => ({ name: "den", cpu: 2, ram: 8, disk_size_gb: null, llm_provider: "anthropic", llm_api_key: LLM_KEY, ...overrides });

/** A world with an owner whose plan includes five machines. */
export async function openWorld(): Promise<World> {
  const owner = await signUpUser();
  await setPlan(owner, "team");
  return new World(owner);
}
