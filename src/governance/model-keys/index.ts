export { authenticateModelKey, requireModelKey } from "./model-keys.queries";
