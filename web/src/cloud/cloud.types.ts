/** The shapes that the cloud pages work with. */
import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type CloudVm = Schemas["CloudVmItem"];
export type CloudVmList = Schemas["CloudVmList"];
export type NewCloudVm = Schemas["CreateCloudVmRequest"];
export type VmAddon = Schemas["VmAddon"];
