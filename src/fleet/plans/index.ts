export { getPlanOf } from "./plans.store";
export { requireFeature, requireRoomInPlan } from "./require-plan";
