import { operation } from "../../kernel/operation";
import { brokerTenantSession } from "./broker-tenant-session";
import { cutTenantSessions } from "./cut-tenant-sessions";
import { CutView, TenantSessionView } from "./tenant-sessions.schemas";

const TAG = "Auth";

export const operations = [
  operation({
    id: "governance.tenant-sessions.broker",
    method: "post",
    path: "/api/v1/auth/pod-token",
    tag: TAG,
    summary: "A short-lived token of the signed-in person's tenant",
    auth: ["session"],
    limit: "write",
    audit: "tenant_session.create",
    errors: [409],
    output: TenantSessionView,
  }).handle((_input, ctx) => brokerTenantSession(ctx)),
  operation({
    id: "governance.tenant-sessions.cut",
    method: "post",
    path: "/api/v1/auth/pod-token/cut",
    tag: TAG,
    summary: "End every session token of the signed-in person's tenant",
    auth: ["session"],
    limit: "write",
    audit: "tenant_session.cut",
    errors: [409],
    output: CutView,
  }).handle((_input, ctx) => cutTenantSessions(ctx)),
];
