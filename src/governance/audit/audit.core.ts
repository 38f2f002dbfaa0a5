/** Words that the published trail uses, by our actions; what is not here is said in the past tense of its verb. */
const WORDS: Readonly<Record<string, string>> = {
  "tenant.update_datasets": "DatasetsUpdated",
  "model_key.revoke": "LiteLLMKeyRevoked",
  "skill_bundle.backfill": "OciBackfill",
  "skill_bundle.scan_pass": "ScanPassed",
  "skill_bundle.scan_fail": "ScanFailed",
  "tenant.cut": "Cut",
  "tenant.rotate_pairing": "PairingRotated",
  "awareness_rollout.rollback": "RolledBack",
};

/** Verbs whose past tense is not their own letters and `d` or `ed`. */
const PAST: Readonly<Record<string, string>> = { bind: "Bound", set: "Set", put: "Put", cut: "Cut", send: "Sent", begin: "Begun", hold: "Held" };

/** The word of the trail for an action such as `policy.create`: `Created`. */
export function wireAction(action: string): string {
  const known = WORDS[action];
  if (known !== undefined) return known;
  const verb = action.slice(action.indexOf(".") + 1);
  const [head = "", ...rest] = verb.split("_");
  const past = PAST[head] ?? head.charAt(0).toUpperCase() + head.slice(1) + (head.endsWith("e") ? "d" : "ed");
  return past + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** What happened, for people, where nobody wrote more. */
export const defaultMessage = (kind: string, key: string, word: string): string => `${kind} ${key}: ${word}`;

/** Where a page ends. */
export interface TrailCursor {
  /** ms */
  readonly at: number;
  /** Null for a cursor that tells a time alone, as older clients build them: everything before that time. */
  readonly id: number | null;
}
