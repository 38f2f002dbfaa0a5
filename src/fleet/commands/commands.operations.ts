import { operation, type Operation } from "../../kernel/operation";
import { acknowledgeCommand, listCommands, recordCommandResult } from "./advance-command";
import { CommandListParams, CommandListResponse, CommandParams, CommandResponse, CommandResultBody, CreateCommandBody, GatewayRestartBody, GatewayRestartResponse } from "./commands.schemas";
import { createCommand, restartGateway } from "./create-command";

const OWNER = ["user", "cliToken"] as const;
const keyOf = (request: Request): string | null => request.headers.get("idempotency-key");

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.commands.create",
    method: "post",
    path: "/api/v1/dashboard/commands",
    tag: "dashboard",
    summary: "Queue a command for a machine; an Idempotency-Key makes a repeat harmless",
    auth: OWNER,
    limit: "write",
    body: CreateCommandBody,
    output: CommandResponse,
  }).handle(async ({ body, request }, ctx) => (await createCommand(ctx, { instanceId: body.instance_id, type: body.command_type, payload: body.payload ?? null, idempotencyKey: keyOf(request) })).command),
  operation({
    id: "fleet.commands.list",
    method: "get",
    path: "/api/v1/dashboard/commands/{instance_id}",
    tag: "dashboard",
    summary: "Commands of the last 24 hours, newest first",
    auth: OWNER,
    limit: "read",
    params: CommandListParams,
    output: CommandListResponse,
  }).handle(({ params }, ctx) => listCommands(ctx, params.instance_id)),
  operation({
    id: "fleet.commands.acknowledge",
    method: "post",
    path: "/api/v1/dashboard/commands/{command_id}/ack",
    tag: "dashboard",
    summary: "The machine has the command",
    auth: OWNER,
    live: false,
    limit: "write",
    params: CommandParams,
    output: CommandResponse,
  }).handle(({ params }, ctx) => acknowledgeCommand(ctx, params.command_id)),
  operation({
    id: "fleet.commands.record-result",
    method: "post",
    path: "/api/v1/dashboard/commands/{command_id}/result",
    tag: "dashboard",
    summary: "The machine has executed the command",
    auth: OWNER,
    live: false,
    limit: "write",
    params: CommandParams,
    body: CommandResultBody,
    output: CommandResponse,
  }).handle(({ params, body }, ctx) => recordCommandResult(ctx, params.command_id, body)),
  operation({
    id: "fleet.gateway.restart",
    method: "post",
    path: "/api/v1/dashboard/gateway/restart",
    tag: "dashboard",
    summary: "Restart a machine's gateway",
    auth: OWNER,
    limit: "write",
    body: GatewayRestartBody,
    output: GatewayRestartResponse,
  }).handle(({ body, request }, ctx) => restartGateway(ctx, body.instance_id, body.name, keyOf(request))),
];
