/** The calls that the cloud pages make, one function each. */
import { api, unwrap } from "../api/client";
import type { CloudVmList, NewCloudVm, VmAddon } from "./cloud.types";

const vmPath = (instance_id: string) => ({ params: { path: { instance_id } } });

export const listCloudVms = async (signal: AbortSignal): Promise<CloudVmList> => unwrap(await api.GET("/api/v1/openclaw/cloud-vm", { signal }));
export const listAddons = async (signal: AbortSignal): Promise<VmAddon[]> => unwrap(await api.GET("/api/v1/openclaw/cloud-vm/addon", { signal })).addons;
export const createCloudVm = async (body: NewCloudVm) => unwrap(await api.POST("/api/v1/openclaw/cloud-vm", { body }));
export const restartCloudVm = async (instanceId: string) => unwrap(await api.POST("/api/v1/openclaw/cloud-vm/{instance_id}/restart", vmPath(instanceId)));
export const destroyCloudVm = async (instanceId: string) => unwrap(await api.DELETE("/api/v1/openclaw/cloud-vm/{instance_id}", vmPath(instanceId)));
export const buyAddon = async (): Promise<string> => unwrap(await api.POST("/api/v1/openclaw/cloud-vm/addon/purchase", { body: { return_to: "web" } })).checkout_url;

/** Address of a machine's own stream. */
export const vmEventsPath = (instanceId: string): string => `/api/v1/openclaw/cloud-vm/${encodeURIComponent(instanceId)}/events`;
