import type { Effect } from "../../kernel/outbox/effects";

/** Effect `cloud_vms.entitle`, for whatever commits a change of what pays for somebody's machines: they are compared with their places soon. */
export const comparePlaces = (tenantId: number): Effect => ({ type: "cloud_vms.entitle", payload: { userId: tenantId } });
