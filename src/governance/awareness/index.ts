export { participationProjector, rolloutProjector } from "./awareness.projectors";
export { readRollout } from "./awareness.queries";
export { resolveVersion, type ResolvedVersion, type Rollout } from "./rollout.core";
