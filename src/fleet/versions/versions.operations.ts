import { operation } from "../../kernel/operation";
import { getLatestVersions } from "./versions.queries";
import { LatestVersionsView } from "./versions.schemas";

export const operations = [
  operation({
    id: "fleet.versions.getLatest",
    method: "get",
    path: "/api/v1/dashboard/versions/latest",
    tag: "dashboard",
    summary: "Versions that machines should run",
    auth: ["none"],
    limit: "public",
    output: LatestVersionsView,
  }).handle((_input, ctx) => getLatestVersions(ctx)),
];
