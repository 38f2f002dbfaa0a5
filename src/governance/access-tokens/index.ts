export { authenticateAccessToken } from "./access-tokens.queries";
export { prepareAccessToken } from "./create-access-token";
