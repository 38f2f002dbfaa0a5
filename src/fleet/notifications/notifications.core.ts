import { SECOND_MS } from "../../kernel/clock";

/** Event id of trial notifications; no homeserver makes such ids. */
export const TEST_EVENT_ID = "$test";
/** Attempts that a person's history keeps. */
export const HISTORY_MAX = 200;

/** Why an attempt did not reach a phone. */
export type Reason = "no_active_device" | "gateway_not_configured" | "gateway_unreachable" | "gateway_refused" | "gateway_interrupted" | "key_rejected";

export interface Outcome {
  readonly status: "sent" | "not_sent" | "rejected";
  readonly reason: Reason | null;
}

interface Target {
  readonly appId: string;
  readonly deviceToken: string;
  readonly createdAt: number;
}

/** A trial notification for one device, as a homeserver would send it (Matrix push gateway API). */
export const testNotificationOf = (device: Target): object => ({
  notification: {
    event_id: TEST_EVENT_ID,
    type: "m.room.message",
    sender_display_name: "Sett",
    content: { msgtype: "m.text", body: "This is a test notification." },
    prio: "high",
    counts: { unread: 1 },
    devices: [{ app_id: device.appId, pushkey: device.deviceToken, pushkey_ts: Math.floor(device.createdAt / SECOND_MS), data: {} }],
  },
});

/** What a gateway's answer means for the one device it was asked about; `rejected` is null when the answer made no sense. */
export function outcomeOf(status: number, rejected: readonly string[] | null, deviceToken: string): Outcome {
  if (status !== 200 || rejected === null) return { status: "not_sent", reason: "gateway_refused" };
  return rejected.includes(deviceToken) ? { status: "rejected", reason: "key_rejected" } : { status: "sent", reason: null };
}

/** The whole result in words. */
export function summarize(outcomes: readonly Outcome[]): string {
  const sent = outcomes.filter(({ status }) => status === "sent").length;
  if (sent > 0) return sent === outcomes.length ? `Sent to ${sent === 1 ? "1 device" : `${sent} devices`}.` : `Sent to ${sent} of ${outcomes.length} devices.`;
  const reasons = new Set(outcomes.map(({ reason }) => reason));
  if (reasons.has("no_active_device")) return "This person has no active device.";
  if (reasons.has("gateway_not_configured")) return "No push gateway is configured.";
  if (reasons.has("gateway_unreachable")) return "The push gateway does not answer.";
  return reasons.has("gateway_refused") ? "The push gateway could not deliver it." : "The push gateway knows none of the devices any more; they are deactivated.";
}
