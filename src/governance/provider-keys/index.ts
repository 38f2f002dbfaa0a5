export { providerKeyContext } from "./provider-keys.core";
export { openProviderKey } from "./provider-keys.queries";
