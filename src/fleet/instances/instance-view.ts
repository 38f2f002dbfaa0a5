import { iso } from "../../kernel/clock";
import type { InstanceView } from "./instances.schemas";
import type { InstanceRow } from "./instances.store";

/** Row → wire. @param online what the machine's object says, when it was ever heard; else the row's own flag */
export function toInstanceView(row: InstanceRow, online: boolean): InstanceView {
  return {
    instance_id: row.instanceId,
    label: row.label,
    version: row.registeredVersion,
    online,
    capabilities: row.capabilities,
    provider: row.provider,
    orgo_workspace_id: row.orgoWorkspaceId,
    orgo_workspace_name: row.orgoWorkspaceName,
    orgo_computer_id: row.orgoComputerId,
    archived: row.archivedAt !== null,
    plan_disabled: row.planDisabledAt !== null,
    created_at: iso(row.createdAt),
  };
}
