import { operation } from "../../kernel/operation";
import { refreshCapabilities } from "./capabilities.queries";
import { RefreshedCapabilitiesView, UserRef } from "./capabilities.schemas";

/** Below a person's id, beside what other features tell of a person. */
export const operations = [
  operation({
    id: "fleet.capabilities.refresh-of-user",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/refresh-capabilities",
    tag: "admin",
    summary: "Read somebody's plan anew after a change by hand",
    auth: ["admin"],
    limit: "write",
    params: UserRef,
    output: RefreshedCapabilitiesView,
  }).handle(({ params }, ctx) => refreshCapabilities(ctx, params)),
];
