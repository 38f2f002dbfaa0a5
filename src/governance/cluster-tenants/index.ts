export { enqueuePlacements, placeClusterTenant, releasePlace } from "./place-cluster-tenant";
