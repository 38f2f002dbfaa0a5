import { operation } from "../../kernel/operation";
import { getAnyInstance, listAllInstances, listFingerprintCollisions } from "./admin-instances.queries";
import { AdminInstanceListView, AdminInstanceRef, AdminInstanceView, CollisionListView, ListCollisionsQuery, ListInstancesOfAllQuery } from "./admin-instances.schemas";
import { removeInstance } from "./remove-instance";

const TAG = "admin";

export const operations = [
  operation({
    id: "fleet.admin-instances.list",
    method: "get",
    path: "/api/v1/admin/openclaw/instances",
    tag: TAG,
    summary: "Machines of everybody with their bots, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListInstancesOfAllQuery,
    output: AdminInstanceListView,
  }).handle(({ query }, ctx) => listAllInstances(ctx, query)),
  operation({
    id: "fleet.admin-instances.get",
    method: "get",
    path: "/api/v1/admin/openclaw/instances/{instance_id}",
    tag: TAG,
    summary: "One machine: whose it is, how it is, and its bots",
    auth: ["admin"],
    limit: "read",
    params: AdminInstanceRef,
    output: AdminInstanceView,
  }).handle(({ params }, ctx) => getAnyInstance(ctx, params)),
  operation({
    id: "fleet.admin-instances.delete",
    method: "delete",
    path: "/api/v1/admin/openclaw/instances/{instance_id}",
    tag: TAG,
    summary: "Remove a machine, its pairings, and whose its fingerprint ever was; bots stay",
    auth: ["admin"],
    limit: "write",
    audit: "instance.remove",
    params: AdminInstanceRef,
    status: 204,
  }).handle(({ params }, ctx) => removeInstance(ctx, params)),
  operation({
    id: "fleet.admin-instances.list-collisions",
    method: "get",
    path: "/api/v1/admin/instance-fingerprint-collisions",
    tag: TAG,
    summary: "Fingerprints that two or more accounts have registered",
    auth: ["admin"],
    limit: "read",
    query: ListCollisionsQuery,
    output: CollisionListView,
  }).handle(({ query }, ctx) => listFingerprintCollisions(ctx, query)),
];
