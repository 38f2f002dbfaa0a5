import { operation } from "../../kernel/operation";
import { checkApp, getLatestAppVersion, listAppVersions } from "./app-versions.queries";
import { AppVersionListView, AppVersionRef, AppVersionView, CheckAppBody, CheckAppView, CreateAppVersionBody, DeletedAppVersionView, ListAppVersionsQuery, PlatformRef, UpdateAppVersionBody } from "./app-versions.schemas";
import { createAppVersion } from "./create-app-version";
import { deleteAppVersion } from "./delete-app-version";
import { updateAppVersion } from "./update-app-version";

const TAG = "version";

export const operations = [
  operation({
    id: "fleet.app-versions.check",
    method: "post",
    path: "/api/v1/version/check",
    tag: TAG,
    summary: "Whether a running app must update",
    auth: ["none"],
    limit: "public",
    body: CheckAppBody,
    output: CheckAppView,
  }).handle(({ body }, ctx) => checkApp(ctx, body)),
  operation({
    id: "fleet.app-versions.getLatest",
    method: "get",
    path: "/api/v1/version/latest/{platform}",
    tag: TAG,
    summary: "The newest release of a platform",
    auth: ["none"],
    limit: "public",
    params: PlatformRef,
    output: AppVersionView,
  }).handle(({ params }, ctx) => getLatestAppVersion(ctx, params)),
  operation({
    id: "fleet.app-versions.list",
    method: "get",
    path: "/api/v1/version/all",
    tag: TAG,
    summary: "Releases, newest entry first",
    auth: ["none"],
    limit: "public",
    query: ListAppVersionsQuery,
    output: AppVersionListView,
  }).handle(({ query }, ctx) => listAppVersions(ctx, query)),
  operation({
    id: "fleet.app-versions.create",
    method: "post",
    path: "/api/v1/version/create",
    tag: TAG,
    summary: "Announce a release",
    auth: ["admin"],
    limit: "write",
    audit: "app_version.create",
    body: CreateAppVersionBody,
    output: AppVersionView,
  }).handle(({ body }, ctx) => createAppVersion(ctx, body)),
  operation({
    id: "fleet.app-versions.update",
    method: "put",
    path: "/api/v1/version/{version_id}",
    tag: TAG,
    summary: "Change a release; what is absent or null stays",
    auth: ["admin"],
    limit: "write",
    audit: "app_version.update",
    params: AppVersionRef,
    body: UpdateAppVersionBody,
    output: AppVersionView,
  }).handle(({ params, body }, ctx) => updateAppVersion(ctx, { ...params, ...body })),
  operation({
    id: "fleet.app-versions.delete",
    method: "delete",
    path: "/api/v1/version/{version_id}",
    tag: TAG,
    summary: "Withdraw a release",
    auth: ["admin"],
    limit: "write",
    audit: "app_version.delete",
    params: AppVersionRef,
    output: DeletedAppVersionView,
  }).handle(({ params }, ctx) => deleteAppVersion(ctx, params)),
];
