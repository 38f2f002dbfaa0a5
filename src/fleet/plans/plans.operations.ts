import { operation } from "../../kernel/operation";
import { getPricing, listPlans } from "./plans.queries";
import { PlanListView, PricingView } from "./plans.schemas";

const TAG = "subscription";

export const operations = [
  operation({
    id: "fleet.plans.get-pricing",
    method: "get",
    path: "/api/v1/subscription/pricing",
    tag: TAG,
    summary: "Plans, what they cost and what they allow",
    auth: ["none"],
    limit: "public",
    output: PricingView,
  }).handle((_input, ctx) => getPricing(ctx)),
  operation({
    id: "fleet.plans.list",
    method: "get",
    path: "/api/v1/subscription/plans",
    tag: TAG,
    summary: "The same plans, and which one the caller is on",
    auth: ["user"],
    limit: "read",
    output: PlanListView,
  }).handle((_input, ctx) => listPlans(ctx)),
];
