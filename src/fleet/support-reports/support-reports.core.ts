/** Where a report stands. Administrators may move it to any of them. */
export const REPORT_STATUSES = ["open", "in_progress", "resolved", "closed"] as const;
export type ReportStatus = (typeof REPORT_STATUSES)[number];

/** When a report counts as resolved after a move: the first time stays, and opening it again takes it away. */
export function resolvedAtAfter(status: ReportStatus, resolvedAt: number | null, nowMs: number): number | null {
  if (status === "resolved") return resolvedAt ?? nowMs;
  return status === "closed" ? resolvedAt : null;
}
