import type { DashboardEvent } from "../account-feed/account-feed.rpc";
import type { Provisioning } from "./instance.rpc";

/** How a cloud machine's way into being is kept and told. Pure. */

/** `old`: overtaken, or told before. `same`: newer, yet nothing differs. `moved`: the same step got on. `turned`: another status or step. */
export type ProvisioningNews = "old" | "same" | "moved" | "turned";

/** What `told` is, to somebody who knows `known`. */
export function provisioningNews(known: Provisioning | null, told: Provisioning): ProvisioningNews {
  if (known === null) return "turned";
  if (told.seq <= known.seq) return "old";
  if (told.status !== known.status || told.step !== known.step) return "turned";
  return told.percent === known.percent && told.stepPercent === known.stepPercent && told.detail === known.detail ? "same" : "moved";
}

/** As dashboards hear it (docs/design/live-wire.md §4). */
export function toProgressEvent(instanceId: string, { seq, status, step, percent, stepPercent, detail, at }: Provisioning): DashboardEvent {
  return { type: "cloud_vm.progress", instanceId, provisionStatus: status, step, percent, stepPercent, detail, seq, at: new Date(at).toISOString() };
}
