import type { DeviceVerdict } from "../../kernel/ports/services";

/** Why a device may have a trial although nobody could tell, or why it may not. Null: Apple said that it had none. */
export type DeviceReason = "trial_already_used" | "invalid_token" | "unavailable" | "not_configured" | null;

export interface DeviceAnswer {
  readonly allowed: boolean;
  readonly reason: DeviceReason;
}

/** Only Apple's word refuses a trial; that Apple is silent is nobody's fault who signs up. No verdict: no key is configured. */
export function judgeDevice(verdict: DeviceVerdict | null): DeviceAnswer {
  if (verdict === null) return { allowed: true, reason: "not_configured" };
  if (verdict.kind === "unavailable") return { allowed: true, reason: "unavailable" };
  if (verdict.kind === "bad_token") return { allowed: false, reason: "invalid_token" };
  return verdict.bits.bit0 ? { allowed: false, reason: "trial_already_used" } : { allowed: true, reason: null };
}
