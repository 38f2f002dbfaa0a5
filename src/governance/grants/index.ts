export { compileGrants } from "./compile-grants";
export { allowedScopes, GRANT_SCOPES } from "./grants.core";
export type { Decision, GrantScope } from "./grants.core";
export { GrantBody, GrantScopeInput, GrantView, GroupGrantBody, MAX_GRANTS, toGrantView } from "./grants.schemas";
export { deleteGrantsOf, fixGroupName, forgetPrincipal, listAllGrants, listGrantsOf, listGrantsThrough, replaceGrants, replaceGrantsThrough } from "./grants.store";
export type { Grant, GroupGrantInput } from "./grants.store";
