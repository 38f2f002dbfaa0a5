import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { governanceConfig } from "../config";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { governanceServices } from "../services";
import { sha256Of } from "./skill-bundles.core";
import type { BundleRef, ScanView } from "./skill-bundles.schemas";
import { findBundle, findContent, hasDigest, upsertScan, type Bundle } from "./skill-bundles.store";
import { loadContent } from "./skill-content";
import { isBlocked, scanSkill, type ScanFinding, type Severity } from "./skill-scan.core";

const BUILT_IN = "sett-static";
const NONE = "none";

interface Verdict {
  readonly passed: boolean;
  readonly scanner: string;
  readonly findings: readonly ScanFinding[];
  readonly reason: string | null;
}

/**
 * Judges the stored content of a skill; critical and high findings block. What was not judged has not passed.
 * @throws SKILL_BUNDLE_NOT_FOUND; UPSTREAM_ERROR when the scanner elsewhere fails, which leaves the last scan as it was
 */
export async function scanBundle(ctx: Ctx, ref: z.output<typeof BundleRef>): Promise<z.input<typeof ScanView>> {
  const found = await findBundle(ctx, ref.id);
  if (!found) throw refusal("SKILL_BUNDLE_NOT_FOUND", "Skill not found.");
  const { bundle } = found;
  const { passed, scanner, findings, reason } = await judge(ctx, bundle);
  const status = passed ? "passed" : "failed";
  const counts: Partial<Record<Severity, number>> = {};
  for (const { severity } of findings) counts[severity] = (counts[severity] ?? 0) + 1;
  const plan = new Plan(ctx)
    .require(hasDigest(bundle.id, bundle.digestKey))
    .write(upsertScan(ctx, { bundleId: bundle.id, digestKey: bundle.digestKey, status, scanner, findings, reason, scannedAt: ctx.clock.now() }))
    .audit(governed({ action: passed ? "skill_bundle.scan_pass" : "skill_bundle.scan_fail", kind: "SkillBundle", key: bundle.id, ...(reason === null ? {} : { message: reason }), after: { digest: bundle.digest, scanner, findings: counts } }));
  if (found.scanStatus !== status) contractsChanged(plan, "all");
  await plan.commit();
  return { id: bundle.id, scanStatus: status, passed, scanner, digest: bundle.digest, findings: [...findings], ...(reason === null ? {} : { reason }) };
}

async function judge(ctx: Ctx, bundle: Bundle): Promise<Verdict> {
  const refused = (reason: string, scanner: string = NONE): Verdict => ({ passed: false, scanner, findings: [], reason });
  const outside = governanceServices(ctx).skillScanner;
  if (!outside && governanceConfig(ctx).skills.isBuiltInOff) return refused("scanner-unavailable");
  const sha256 = sha256Of(bundle.digest);
  const row = sha256 === null ? null : await findContent(ctx, sha256);
  const bytes = sha256 !== null && row?.state === "stored" ? await loadContent(ctx, sha256) : null;
  if (sha256 === null || !row || !bytes) return refused("content-missing");
  if (!outside) {
    const findings = scanSkill(bytes);
    const passed = !isBlocked(findings);
    return { passed, scanner: BUILT_IN, findings, reason: passed ? null : "blocking-findings" };
  }
  const verdict = await outside.scan({ name: bundle.name, version: bundle.release, sha256, contentType: row.contentType, bytes });
  const blocked = isBlocked(verdict.findings);
  return { passed: verdict.passed && !blocked, scanner: verdict.scanner, findings: verdict.findings, reason: blocked ? "blocking-findings" : verdict.passed ? null : (verdict.reason ?? "refused-by-scanner") };
}
