import { operation } from "../../kernel/operation";
import { EventBody, ParticipationQuery, ParticipationView, PromoteBody, RecordedView, ResolvedView, RolloutBody, RolloutView, TenantRef } from "./awareness.schemas";
import { getRollout, reportParticipation, resolveForTenant } from "./awareness.queries";
import { promoteRollout } from "./promote-rollout";
import { recordParticipation } from "./record-participation";
import { rollBackRollout } from "./roll-back-rollout";
import { setRollout } from "./set-rollout";

const TAG = "Awareness Rollout";

export const operations = [
  operation({
    id: "governance.awareness.get-rollout",
    method: "get",
    path: "/api/v1/awareness/rollout",
    tag: TAG,
    summary: "The awareness rollout",
    auth: ["operator"],
    limit: "read",
    output: RolloutView,
  }).handle((_, ctx) => getRollout(ctx)),
  operation({
    id: "governance.awareness.set-rollout",
    method: "put",
    path: "/api/v1/awareness/rollout",
    tag: TAG,
    summary: "Begin a rollout anew; nothing is promoted",
    auth: ["operator"],
    limit: "write",
    audit: "awareness_rollout.update",
    body: RolloutBody,
    output: RolloutView,
  }).handle(({ body }, ctx) => setRollout(ctx, body)),
  operation({
    id: "governance.awareness.promote",
    method: "post",
    path: "/api/v1/awareness/rollout/promote",
    tag: TAG,
    summary: "Promote the next wave, or all up to the one named",
    auth: ["operator"],
    limit: "write",
    idempotent: true,
    audit: "awareness_rollout.promote",
    body: PromoteBody,
    bodyOptional: true,
    output: RolloutView,
  }).handle(({ body }, ctx) => promoteRollout(ctx, body)),
  operation({
    id: "governance.awareness.roll-back",
    method: "post",
    path: "/api/v1/awareness/rollout/rollback",
    tag: TAG,
    summary: "Take every promotion back",
    auth: ["operator"],
    limit: "write",
    audit: "awareness_rollout.rollback",
    output: RolloutView,
  }).handle((_, ctx) => rollBackRollout(ctx)),
  operation({
    id: "governance.awareness.resolve",
    method: "get",
    path: "/api/v1/awareness/rollout/resolve/{tenant}",
    tag: TAG,
    summary: "Which version a tenant runs",
    auth: ["operator"],
    limit: "read",
    params: TenantRef,
    output: ResolvedView,
  }).handle(({ params }, ctx) => resolveForTenant(ctx, params)),
  operation({
    id: "governance.awareness.report",
    method: "get",
    path: "/api/v1/awareness/participation",
    tag: TAG,
    summary: "Who takes part, who has drifted, who violated a policy",
    auth: ["operator"],
    limit: "read",
    query: ParticipationQuery,
    output: ParticipationView,
  }).handle(({ query }, ctx) => reportParticipation(ctx, query)),
  operation({
    id: "governance.awareness.record",
    method: "post",
    path: "/api/v1/awareness/participation",
    tag: TAG,
    summary: "Report an event of the caller's tenant; 201 when it is new, 200 when it came before",
    auth: ["tenant"],
    limit: "write",
    errors: [404],
    body: EventBody,
    output: RecordedView,
    status: 201,
  }).handle(async ({ body }, ctx) => {
    const recorded = await recordParticipation(ctx, body);
    return recorded.duplicate ? Response.json(recorded) : recorded;
  }),
];
