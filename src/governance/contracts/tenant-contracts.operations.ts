import { operation, type Operation } from "../../kernel/operation";
import { getEffectiveContract } from "./contracts.queries";
import { EffectiveContractView, TenantRef } from "./contracts.schemas";

export const operations: readonly Operation[] = [
  operation({
    id: "governance.contracts.get-effective",
    method: "get",
    path: "/api/v1/tenants/{name}/effective-contract",
    tag: "Tenants",
    summary: "What a tenant's agents may know and use, compiled from all grants",
    auth: ["operator"],
    limit: "read",
    params: TenantRef,
    output: EffectiveContractView,
  }).handle(({ params }, ctx) => getEffectiveContract(ctx, params)),
];
