import { operation, type Operation } from "../../kernel/operation";
import { deleteInstance } from "./delete-instance";
import { listInstances } from "./instances.queries";
import { InstanceListResponse, InstanceParams, InstanceResponse, RegisterInstanceBody } from "./instances.schemas";
import { registerInstance } from "./register-instance";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.instances.register",
    method: "post",
    path: "/api/v1/openclaw/register",
    tag: "openclaw",
    summary: "Register or update a machine of the caller",
    auth: OWNER,
    limit: "write",
    audit: "instance.create",
    body: RegisterInstanceBody,
    output: InstanceResponse,
  }).handle(({ body }, ctx) => registerInstance(ctx, body)),
  operation({
    id: "fleet.instances.list",
    method: "get",
    path: "/api/v1/openclaw/status",
    tag: "openclaw",
    summary: "All machines of the caller, archived and disabled ones too",
    auth: OWNER,
    limit: "read",
    output: InstanceListResponse,
  }).handle((_, ctx) => listInstances(ctx)),
  operation({
    id: "fleet.instances.delete",
    method: "delete",
    path: "/api/v1/openclaw/instances/{instance_id}",
    tag: "openclaw",
    summary: "Delete a machine of the caller",
    auth: OWNER,
    limit: "write",
    audit: "instance.delete",
    params: InstanceParams,
    status: 204,
  }).handle(({ params }, ctx) => deleteInstance(ctx, params.instance_id)),
];
