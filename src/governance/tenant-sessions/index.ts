export { cutSockets } from "./cut-tenant-sessions";
export { authenticateTenantToken } from "./tenant-sessions.queries";
export { forgetBrokered, listTenantsOf } from "./tenant-sessions.store";
