import { operation } from "../../kernel/operation";
import { setSupportedVersion } from "./set-supported-version";
import { getLatestVersions, listSupportedVersions } from "./versions.queries";
import { LatestVersionsView, SetSupportedVersionBody, SetSupportedVersionView, SupportedVersionListView } from "./versions.schemas";

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
  operation({
    id: "fleet.versions.list",
    method: "get",
    path: "/api/v1/admin/supported-versions",
    tag: "admin",
    summary: "Versions that administrators approved",
    auth: ["admin"],
    limit: "read",
    output: SupportedVersionListView,
  }).handle((_input, ctx) => listSupportedVersions(ctx)),
  operation({
    id: "fleet.versions.set",
    method: "put",
    path: "/api/v1/admin/supported-versions",
    tag: "admin",
    summary: "Approve a version of a component",
    auth: ["admin"],
    limit: "write",
    audit: "supported_version.set",
    body: SetSupportedVersionBody,
    output: SetSupportedVersionView,
  }).handle(({ body }, ctx) => setSupportedVersion(ctx, body)),
];
