export { linkIdentity } from "./link-identity";
