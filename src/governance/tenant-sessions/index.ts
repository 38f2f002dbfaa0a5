export { authenticateTenantToken } from "./tenant-sessions.queries";
export { forgetBrokered, listTenantsOf } from "./tenant-sessions.store";
