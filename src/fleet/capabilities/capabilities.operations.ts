import { operation } from "../../kernel/operation";
import { getCapabilities } from "./capabilities.queries";
import { CapabilitiesView } from "./capabilities.schemas";

export const operations = [
  operation({
    id: "fleet.capabilities.get",
    method: "get",
    path: "/api/v1/me/capabilities",
    tag: "capabilities",
    summary: "What the caller's plan allows, and how much of it is used",
    auth: ["user", "cliToken"],
    limit: "read",
    output: CapabilitiesView,
  }).handle((_input, ctx) => getCapabilities(ctx)),
];
