export { addBundle, type NewSkill } from "./create-bundle";
export { backfillJob, continueBackfill, removeUnusedContents } from "./skill-bundles.jobs";
export { MAX_CONTENT_BYTES, digestKeyOf, sha256Of } from "./skill-bundles.core";
export { describeContent, hasStore, storeContent, type SkillContent } from "./skill-content";
export { BUNDLE_UNIQUE, findSameBundle } from "./skill-bundles.store";
