import { operation, type Operation } from "../../kernel/operation";
import { getMachineContract, getRuntimeContract } from "./contracts.queries";
import { MachineContractView, MachineRef, RuntimeContractView, TenantRef } from "./contracts.schemas";

export const operations: readonly Operation[] = [
  operation({
    id: "governance.contracts.get-runtime",
    method: "get",
    path: "/api/v1/contract/{name}",
    tag: "Runtime",
    summary: "What a tenant's own runtime is held to now",
    auth: ["tenant"],
    limit: "read",
    params: TenantRef,
    output: RuntimeContractView,
  }).handle(({ params }, ctx) => getRuntimeContract(ctx, params)),
  operation({
    id: "governance.contracts.get-machine",
    method: "get",
    path: "/api/v1/machine-contracts/{instanceId}",
    tag: "Machines",
    summary: "The signed contract that one of the caller's machines enforces",
    auth: ["user", "cliToken"],
    limit: "read",
    params: MachineRef,
    output: MachineContractView,
  }).handle(({ params }, ctx) => getMachineContract(ctx, params)),
];
