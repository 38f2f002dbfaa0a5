/** What an administrator should look at, from what is known about somebody's ways in. */

/** More live sessions than this are many. */
export const MANY_SESSIONS = 10;

export interface SecurityFlag {
  readonly code: "many_sessions" | "shared_fingerprint" | "matrix_unreachable" | "unverified_email" | "stale_matrix_password";
  readonly severity: "info" | "warning" | "critical";
  readonly label: string;
  readonly detail: string | null;
}

export interface SecurityFacts {
  readonly liveSessions: number;
  /** Machines that other accounts registered as well. */
  readonly sharedFingerprints: readonly { readonly fingerprint: string; readonly others: number }[];
  readonly matrixUnreachable: boolean;
  readonly emailVerified: boolean;
  readonly matrixPasswordStale: boolean;
}

/** The most serious first. */
export function securityFlags(facts: SecurityFacts): SecurityFlag[] {
  const { liveSessions, sharedFingerprints, matrixUnreachable, emailVerified, matrixPasswordStale } = facts;
  const flags: SecurityFlag[] = [];
  if (sharedFingerprints.length > 0) {
    const others = Math.max(...sharedFingerprints.map((one) => one.others));
    flags.push({ code: "shared_fingerprint", severity: "critical", label: "Machine shared with other accounts", detail: `${sharedFingerprints.length} of this user's machines, with up to ${others} other accounts: ${sharedFingerprints.map((one) => one.fingerprint).join(", ")}` });
  }
  if (liveSessions > MANY_SESSIONS) flags.push({ code: "many_sessions", severity: "warning", label: "Many signed-in devices", detail: `${liveSessions} sessions can still refresh` });
  if (matrixUnreachable) flags.push({ code: "matrix_unreachable", severity: "warning", label: "Homeserver not reached", detail: "The Matrix devices are unknown" });
  if (!emailVerified) flags.push({ code: "unverified_email", severity: "warning", label: "Address not verified", detail: null });
  if (matrixPasswordStale) flags.push({ code: "stale_matrix_password", severity: "info", label: "Matrix password not in step", detail: "The next sign-in hands it over" });
  return flags;
}
