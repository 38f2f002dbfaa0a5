export { secretSealContext } from "./secrets.core";
export { readSecret } from "./secrets.queries";
export { SecretName } from "./secrets.schemas";
export { findKnownNames as findKnownSecrets } from "./secrets.store";
