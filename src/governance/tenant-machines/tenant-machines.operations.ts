import { operation, type Operation } from "../../kernel/operation";
import { attachBot } from "./attach-bot";
import { attachMachine } from "./attach-machine";
import { detachBot } from "./detach-bot";
import { detachMachine } from "./detach-machine";
import { listTenantBots, listTenantMachines } from "./tenant-machines.queries";
import { ListQuery, OwnerBody, ReleasedBotView, ReleasedMachineView, TenantBotListView, TenantBotRef, TenantBotView, TenantMachineListView, TenantMachineRef, TenantMachineView, TenantRef } from "./tenant-machines.schemas";

const TAG = "Machines";

export const operations: readonly Operation[] = [
  operation({
    id: "governance.tenant-machines.list",
    method: "get",
    path: "/api/v1/tenants/{name}/machines",
    tag: TAG,
    summary: "Machines that a tenant governs, and what each says of its contract",
    auth: ["operator"],
    limit: "read",
    params: TenantRef,
    query: ListQuery,
    output: TenantMachineListView,
  }).handle(({ params, query }, ctx) => listTenantMachines(ctx, params, query)),
  operation({
    id: "governance.tenant-machines.attach",
    method: "put",
    path: "/api/v1/tenants/{name}/machines/{instanceId}",
    tag: TAG,
    summary: "Put a machine under a tenant's contract",
    auth: ["operator"],
    limit: "write",
    audit: "tenant.attach_machine",
    errors: [409],
    params: TenantMachineRef,
    body: OwnerBody,
    bodyOptional: true,
    output: TenantMachineView,
  }).handle(({ params, body }, ctx) => attachMachine(ctx, params, { ...body })),
  operation({
    id: "governance.tenant-machines.detach",
    method: "delete",
    path: "/api/v1/tenants/{name}/machines/{instanceId}",
    tag: TAG,
    summary: "Let a machine go",
    auth: ["operator"],
    limit: "write",
    audit: "tenant.detach_machine",
    errors: [409],
    params: TenantMachineRef,
    output: ReleasedMachineView,
  }).handle(({ params }, ctx) => detachMachine(ctx, params)),
  operation({
    id: "governance.tenant-machines.list-bots",
    method: "get",
    path: "/api/v1/tenants/{name}/bots",
    tag: TAG,
    summary: "Bots that a tenant owns, and those on its machines",
    auth: ["operator"],
    limit: "read",
    params: TenantRef,
    output: TenantBotListView,
  }).handle(({ params }, ctx) => listTenantBots(ctx, params)),
  operation({
    id: "governance.tenant-machines.attach-bot",
    method: "put",
    path: "/api/v1/tenants/{name}/bots/{botId}",
    tag: TAG,
    summary: "Make a bot the tenant's, whatever machine it lives on",
    auth: ["operator"],
    limit: "write",
    audit: "tenant.attach_bot",
    errors: [409],
    params: TenantBotRef,
    body: OwnerBody,
    bodyOptional: true,
    output: TenantBotView,
  }).handle(({ params, body }, ctx) => attachBot(ctx, params, { ...body })),
  operation({
    id: "governance.tenant-machines.detach-bot",
    method: "delete",
    path: "/api/v1/tenants/{name}/bots/{botId}",
    tag: TAG,
    summary: "Take a bot from the tenant",
    auth: ["operator"],
    limit: "write",
    audit: "tenant.detach_bot",
    errors: [409],
    params: TenantBotRef,
    output: ReleasedBotView,
  }).handle(({ params }, ctx) => detachBot(ctx, params)),
];
