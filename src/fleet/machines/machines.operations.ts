import { operation } from "../../kernel/operation";
import type { Operation } from "../../kernel/operation";
import { AppError } from "../../kernel/errors/app-error";
import { disconnectMachine } from "./disconnect-machine";
import { parseHeartbeat } from "./heartbeat.core";
import { getMachine, getOverview, listMachines } from "./machines.queries";
import { DisconnectBody, DisconnectResponse, HeartbeatPayload, HeartbeatResponse, ListMachinesQuery, MachineDetailResponse, MachineRef, MachinesListResponse, OverviewResponse } from "./machines.schemas";
import { recordHeartbeat } from "./record-heartbeat";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.machines.heartbeat",
    method: "post",
    path: "/api/v1/dashboard/heartbeat",
    tag: "dashboard",
    summary: "Report a machine's status; answers the commands it still has to obey",
    auth: OWNER,
    live: false,
    limit: "beat",
    body: HeartbeatPayload,
    maxBodyBytes: 256 * 1024,
    output: HeartbeatResponse,
  }).handle(async ({ body }, ctx) => {
    const parsed = parseHeartbeat(body);
    if (!parsed.ok) throw new AppError("VALIDATION_ERROR", "The request is invalid.", { issues: parsed.issues });
    return (await recordHeartbeat(ctx, parsed.payload)).answer;
  }),
  operation({
    id: "fleet.machines.disconnect",
    method: "post",
    path: "/api/v1/dashboard/disconnect",
    tag: "dashboard",
    summary: "Say goodbye: the machine is offline now",
    auth: OWNER,
    live: false,
    limit: "write",
    body: DisconnectBody,
    output: DisconnectResponse,
  }).handle(({ body }, ctx) => disconnectMachine(ctx, body.instance_id)),
  operation({
    id: "fleet.machines.overview",
    method: "get",
    path: "/api/v1/dashboard/overview",
    tag: "dashboard",
    summary: "Counters over all machines and bots of the caller",
    auth: OWNER,
    limit: "read",
    output: OverviewResponse,
  }).handle((_, ctx) => getOverview(ctx)),
  operation({
    id: "fleet.machines.list",
    method: "get",
    path: "/api/v1/dashboard/machines",
    tag: "dashboard",
    summary: "The caller's machines, as they are now",
    auth: OWNER,
    limit: "read",
    query: ListMachinesQuery,
    output: MachinesListResponse,
  }).handle(async ({ query }, ctx) => ({ machines: await listMachines(ctx, query.include_cloud) })),
  operation({
    id: "fleet.machines.get",
    method: "get",
    path: "/api/v1/dashboard/machines/{instance_id}",
    tag: "dashboard",
    summary: "One machine in full: bots, samples, history",
    auth: OWNER,
    limit: "read",
    params: MachineRef,
    output: MachineDetailResponse,
  }).handle(({ params }, ctx) => getMachine(ctx, params.instance_id)),
];
