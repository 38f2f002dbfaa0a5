import { z } from "zod";
import { operation } from "../../kernel/operation";
import { createClusterTenant, deleteClusterTenant, getRow, updateClusterTenantOf } from "./change-cluster-tenant";
import { ClusterTenantRef, ClusterTenantView, CreateClusterTenantBody, DeletedView, PlacementView, toClusterTenantView, toPlacementView, UpdateClusterTenantBody } from "./cluster-tenants.schemas";
import { listClusterTenants } from "./cluster-tenants.queries";

const TAG = "Cluster Tenants";
const PATH = "/api/v1/cluster-tenants";
const ONE = `${PATH}/{name}` as const;

export const operations = [
  operation({
    id: "governance.cluster-tenants.list",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "Where tenants may be placed, oldest first",
    auth: ["operator"],
    limit: "read",
    output: z.array(ClusterTenantView),
  }).handle((_, ctx) => listClusterTenants(ctx)),
  operation({
    id: "governance.cluster-tenants.create",
    method: "post",
    path: PATH,
    tag: TAG,
    summary: "Declare a place for tenants; it is made in the background",
    auth: ["operator"],
    limit: "write",
    audit: "cluster_tenant.create",
    status: 201,
    errors: [409, 422],
    body: CreateClusterTenantBody,
    output: ClusterTenantView,
  }).handle(({ body }, ctx) => createClusterTenant(ctx, body)),
  operation({
    id: "governance.cluster-tenants.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "One place",
    auth: ["operator"],
    limit: "read",
    params: ClusterTenantRef,
    output: ClusterTenantView,
  }).handle(async ({ params }, ctx) => toClusterTenantView(await getRow(ctx, params.name))),
  operation({
    id: "governance.cluster-tenants.update",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Change what is given; compute and quota are replaced whole",
    auth: ["operator"],
    limit: "write",
    audit: "cluster_tenant.update",
    errors: [409, 422],
    params: ClusterTenantRef,
    body: UpdateClusterTenantBody,
    output: ClusterTenantView,
  }).handle(({ params, body }, ctx) => updateClusterTenantOf(ctx, params.name, body)),
  operation({
    id: "governance.cluster-tenants.delete",
    method: "delete",
    path: ONE,
    tag: TAG,
    summary: "Give a place up that no tenant uses",
    auth: ["operator"],
    limit: "write",
    audit: "cluster_tenant.delete",
    errors: [409],
    params: ClusterTenantRef,
    output: DeletedView,
  }).handle(({ params }, ctx) => deleteClusterTenant(ctx, params.name)),
  operation({
    id: "governance.cluster-tenants.get-status",
    method: "get",
    path: `${ONE}/status`,
    tag: TAG,
    summary: "How far a place is",
    auth: ["operator"],
    limit: "read",
    params: ClusterTenantRef,
    output: PlacementView,
  }).handle(async ({ params }, ctx) => toPlacementView(await getRow(ctx, params.name))),
];
