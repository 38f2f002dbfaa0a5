import { operation, type Operation } from "../../kernel/operation";
import { openDashboardStream, openMachineSocket, openMachineStream } from "./open-streams";
import { DashboardStreamQuery, MachineSocketQuery, MachineStreamQuery } from "./streams.schemas";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.streams.machine",
    method: "get",
    path: "/api/v1/openclaw/events",
    tag: "openclaw",
    summary: "Events for a machine, as server-sent events",
    auth: OWNER,
    limit: "read",
    query: MachineStreamQuery,
    produces: "text/event-stream",
  }).handle(({ query, request }, ctx) => openMachineStream(ctx, request, query.instance_id)),
  operation({
    id: "fleet.streams.socket",
    method: "get",
    path: "/api/v1/openclaw/socket",
    tag: "openclaw",
    summary: "A machine's own WebSocket: beats, acks and results up, commands and events down",
    auth: OWNER,
    live: false,
    limit: "read",
    query: MachineSocketQuery,
    produces: "text/plain",
  }).handle(({ query, request }, ctx) => openMachineSocket(ctx, request, query.instance_id, query.last_event_id)),
  operation({
    id: "fleet.streams.dashboard",
    method: "get",
    path: "/api/v1/dashboard/events",
    tag: "dashboard",
    summary: "Live changes of the caller's machines, as server-sent events",
    auth: OWNER,
    tokenInQuery: true,
    limit: "read",
    query: DashboardStreamQuery,
    produces: "text/event-stream",
  }).handle(({ query, request }, ctx) => openDashboardStream(ctx, request, query)),
];
