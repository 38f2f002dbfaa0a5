import type { RolloutSnapshot } from "../../../durable-objects/org/org.rpc";
import type { ParticipationSnapshot } from "../../../durable-objects/tenant/participation.rpc";
import { contractsChanged } from "../contracts";
import type { Projector } from "../projections";
import { deleteParticipation, writeParticipation, writeRollout } from "./awareness.store";

/** Makes D1 show the rollout; the version is a part of every contract. */
export const rolloutProjector: Projector = {
  show: (ctx, plan, { snapshot, revision }) => {
    // OrgDO writes the snapshots of this kind, and a rollout does not go away.
    plan.write(writeRollout(ctx, snapshot as RolloutSnapshot, revision));
    contractsChanged(plan, "all");
  },
};

/** Makes D1 show how a tenant takes part. Nothing follows from it. */
export const participationProjector: Projector = {
  show: (ctx, plan, { key, snapshot, revision }) => {
    // TenantDO writes the snapshots of this kind.
    const known = snapshot as ParticipationSnapshot | null;
    plan.write(known ? writeParticipation(ctx, key, known, revision) : deleteParticipation(ctx, key));
  },
};
