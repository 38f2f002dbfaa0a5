import { z } from "zod";
import type { DriftReport, RepairStep } from "./drift.core";

const Mismatch = z.object({ name: z.string(), issue: z.enum(["missing-source", "missing-projection", "field-mismatch"]), fields: z.array(z.string()).optional() }).meta({ id: "DriftMismatch" });

/** What drift answers, for resources of any kind. */
export const DriftView = z
  .object({
    resource: z.enum(["Tenant", "AccessPolicy"]),
    mode: z.literal("detect-only"),
    comparedFields: z.array(z.string()),
    summary: z.object({ sourceCount: z.int(), projectionCount: z.int(), driftCount: z.int() }),
    mismatches: z.array(Mismatch),
  })
  .meta({ id: "DriftReport" });

/** Anything but exactly `false` is a dry run. */
export const RepairQuery = z.object({ dryRun: z.string().max(20).meta({ type: "boolean", maxLength: undefined, default: true, description: "Anything but `false` only tells what would be done" }).optional() });

export const isDryRun = ({ dryRun }: z.output<typeof RepairQuery>): boolean => dryRun !== "false";

/** What repair answers, for resources of any kind. */
export const RepairView = z
  .object({
    resource: z.enum(["Tenant", "AccessPolicy"]),
    mode: z.enum(["dry-run", "apply"]),
    repairedCount: z.int(),
    skippedCount: z.int(),
    entries: z.array(z.object({ name: z.string(), action: z.enum(["created", "updated", "skipped"]), reason: z.string(), dryRun: z.boolean() })),
  })
  .meta({ id: "RepairReport" });

type Resource = z.input<typeof DriftView>["resource"];

export const toDriftView = (resource: Resource, { comparedFields, sourceCount, projectionCount, mismatches }: DriftReport): z.input<typeof DriftView> => ({
  resource,
  mode: "detect-only",
  comparedFields: [...comparedFields],
  summary: { sourceCount, projectionCount, driftCount: mismatches.length },
  mismatches: mismatches.map(({ name, issue, fields }) => ({ name, issue, ...(fields ? { fields: [...fields] } : {}) })),
});

export const toRepairView = (resource: Resource, steps: readonly RepairStep[], dryRun: boolean): z.input<typeof RepairView> => {
  const skipped = steps.filter(({ action }) => action === "skipped").length;
  return { resource, mode: dryRun ? "dry-run" : "apply", repairedCount: steps.length - skipped, skippedCount: skipped, entries: steps.map((step) => ({ ...step, dryRun })) };
};
