/** Somebody outside who judges skills. The client is src/integrations/skill-scanner; verbs see only this. */

/** What a scanner is asked to judge. */
export interface SkillToScan {
  readonly name: string;
  readonly version: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What it said. Findings decide as well: a critical or high one blocks whatever `passed` says. */
export interface ScannerVerdict {
  readonly passed: boolean;
  readonly scanner: string;
  readonly findings: readonly { readonly id: string; readonly description: string; readonly severity: "critical" | "high" | "medium" | "low" | "unknown"; readonly location: string }[];
  readonly reason: string | null;
}

export interface SkillScanner {
  /** @throws AppError BAD_GATEWAY when it does not answer, or nothing that we understand */
  scan(skill: SkillToScan): Promise<ScannerVerdict>;
}
