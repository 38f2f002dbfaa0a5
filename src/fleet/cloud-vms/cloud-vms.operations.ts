import { operation } from "../../kernel/operation";
import { CloudVmListView, CloudVmRef, CloudVmView, CreateCloudVmBody, InFlightListView, ProvisionStatusView } from "./cloud-vms.schemas";
import { getProvisionStatus, listCloudVms, listInFlight } from "./cloud-vms.queries";
import { createCloudVm } from "./create-cloud-vm";
import { destroyCloudVm } from "./destroy-cloud-vm";
import { restartCloudVm } from "./restart-cloud-vm";

const TAG = "openclaw";
const BASE = "/api/v1/openclaw/cloud-vm";
const OWNER = ["user", "cliToken"] as const;

export const operations = [
  operation({
    id: "fleet.cloud-vms.list",
    method: "get",
    path: BASE,
    tag: TAG,
    summary: "The caller's cloud machines, and how many more may be made",
    auth: OWNER,
    limit: "read",
    output: CloudVmListView,
  }).handle((_, ctx) => listCloudVms(ctx)),
  operation({
    id: "fleet.cloud-vms.create",
    method: "post",
    path: BASE,
    tag: TAG,
    summary: "Rent a machine; it comes to be in the background",
    auth: OWNER,
    limit: "write",
    idempotent: true,
    audit: "cloud_vm.create",
    body: CreateCloudVmBody,
    output: CloudVmView,
    status: 202,
  }).handle(({ body }, ctx) => createCloudVm(ctx, body)),
  operation({
    id: "fleet.cloud-vms.in-flight",
    method: "get",
    path: `${BASE}/in-flight`,
    tag: TAG,
    summary: "The caller's cloud machines that are still coming to be",
    auth: OWNER,
    limit: "read",
    output: InFlightListView,
  }).handle((_, ctx) => listInFlight(ctx)),
  operation({
    id: "fleet.cloud-vms.provision-status",
    method: "get",
    path: `${BASE}/{instance_id}/provision-status`,
    tag: TAG,
    summary: "How far a cloud machine is",
    auth: OWNER,
    limit: "read",
    params: CloudVmRef,
    output: ProvisionStatusView,
  }).handle(({ params }, ctx) => getProvisionStatus(ctx, params.instance_id)),
  operation({
    id: "fleet.cloud-vms.restart",
    method: "post",
    path: `${BASE}/{instance_id}/restart`,
    tag: TAG,
    summary: "Restart a cloud machine; one that failed is taken up again",
    auth: OWNER,
    limit: "write",
    audit: "cloud_vm.restart",
    params: CloudVmRef,
    output: CloudVmView,
    status: 202,
  }).handle(({ params }, ctx) => restartCloudVm(ctx, params.instance_id)),
  operation({
    id: "fleet.cloud-vms.destroy",
    method: "delete",
    path: `${BASE}/{instance_id}`,
    tag: TAG,
    summary: "Destroy a cloud machine and everything on it, at any time",
    auth: OWNER,
    limit: "write",
    audit: "cloud_vm.destroy",
    params: CloudVmRef,
    status: 204,
  }).handle(({ params }, ctx) => destroyCloudVm(ctx, params.instance_id)),
];
