import { operation } from "../../kernel/operation";
import { getEffect, getOutboxCounts, listEffects } from "./outbox.queries";
import { EffectRef, ListEffectsQuery, OutboxCountsView, OutboxEffectView, OutboxListView } from "./outbox.schemas";
import { dropEffect, retryEffect } from "./retry-effect";

const TAG = "ops";
const PATH = "/api/v1/admin/ops/outbox";

export const operations = [
  operation({
    id: "fleet.ops-outbox.list",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "Effects that gave up, or that wait",
    auth: ["admin"],
    limit: "read",
    query: ListEffectsQuery,
    output: OutboxListView,
  }).handle(({ query }, ctx) => listEffects(ctx, query)),
  operation({
    id: "fleet.ops-outbox.count",
    method: "get",
    path: `${PATH}/counts`,
    tag: TAG,
    summary: "How many effects wait, are due and gave up, by type",
    auth: ["admin"],
    limit: "read",
    output: OutboxCountsView,
  }).handle((_, ctx) => getOutboxCounts(ctx)),
  operation({
    id: "fleet.ops-outbox.get",
    method: "get",
    path: `${PATH}/{effect_id}`,
    tag: TAG,
    summary: "One effect, without its payload",
    auth: ["admin"],
    limit: "read",
    params: EffectRef,
    output: OutboxEffectView,
  }).handle(({ params }, ctx) => getEffect(ctx, params)),
  operation({
    id: "fleet.ops-outbox.retry",
    method: "post",
    path: `${PATH}/{effect_id}/retry`,
    tag: TAG,
    summary: "Give an effect that gave up its tries back",
    auth: ["superadmin"],
    limit: "write",
    audit: "outbox.retry",
    params: EffectRef,
    output: OutboxEffectView,
  }).handle(({ params }, ctx) => retryEffect(ctx, params)),
  operation({
    id: "fleet.ops-outbox.drop",
    method: "delete",
    path: `${PATH}/{effect_id}`,
    tag: TAG,
    summary: "Give up an effect for good",
    auth: ["superadmin"],
    limit: "write",
    audit: "outbox.drop",
    params: EffectRef,
    status: 204,
  }).handle(({ params }, ctx) => dropEffect(ctx, params)),
];
