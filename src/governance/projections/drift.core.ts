import { SECOND_MS } from "../../kernel/clock";

/** Something that exists at its source and as a copy in D1, reduced to what is compared. Values are JSON. */
export interface Compared {
  readonly name: string;
  readonly revision: number;
  /** When it last changed at its source, ms. */
  readonly updatedAt: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type Issue = "missing-source" | "missing-projection" | "field-mismatch";

export interface Mismatch {
  readonly name: string;
  readonly issue: Issue;
  /** For `field-mismatch`: which differ. */
  readonly fields?: readonly string[];
}

/** How late copies are: of those that could be measured, the latest. */
export interface Lag {
  /** Whole seconds, as the contract has it. */
  readonly maxProjectionLagSeconds: number | null;
  readonly measuredProjectionCount: number;
  readonly unresolvedMissingProjectionCount: number;
}

/** What a look at all sources and copies of one kind found. */
export interface DriftReport {
  readonly comparedFields: readonly string[];
  readonly sourceCount: number;
  readonly projectionCount: number;
  readonly mismatches: readonly Mismatch[];
  readonly lag: Lag;
}

/** JSON with sorted keys, in which absent and null are the same: what two equal values have in common. */
export function canonical(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
    .join(",")}}`;
}

/** What sources and copies disagree about, by name. The only comparator: whatever it finds is what repair mends. */
export function compareAll(sources: readonly Compared[], rows: readonly Compared[], fields: readonly string[]): Mismatch[] {
  const copies = new Map(rows.map((row) => [row.name, row]));
  const originals = new Set(sources.map(({ name }) => name));
  const found: Mismatch[] = [];
  for (const source of sources) {
    const row = copies.get(source.name);
    if (!row) found.push({ name: source.name, issue: "missing-projection" });
    else {
      const differing = fields.filter((field) => canonical(source.fields[field]) !== canonical(row.fields[field]));
      if (differing.length > 0) found.push({ name: source.name, issue: "field-mismatch", fields: differing });
    }
  }
  for (const { name } of rows) if (!originals.has(name)) found.push({ name, issue: "missing-source" });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * How late copies are. A copy of the source's revision is as late as it was made after the change; one of an older revision is late
 * until now.
 * @param projectedAt by name: when the copy was made, ms
 */
export function measureLag(sources: readonly Compared[], rows: readonly Compared[], projectedAt: ReadonlyMap<string, number>, now: number): Lag {
  const copies = new Map(rows.map((row) => [row.name, row]));
  const lags = sources.flatMap((source) => {
    const row = copies.get(source.name);
    if (!row) return [];
    const until = row.revision >= source.revision ? projectedAt.get(source.name) : now;
    return until === undefined ? [] : [Math.max(0, until - source.updatedAt)];
  });
  return {
    maxProjectionLagSeconds: lags.length === 0 ? null : Math.round(Math.max(...lags) / SECOND_MS),
    measuredProjectionCount: lags.length,
    unresolvedMissingProjectionCount: sources.filter(({ name }) => !copies.has(name)).length,
  };
}

export interface RepairStep {
  readonly name: string;
  readonly action: "created" | "updated" | "skipped";
  readonly reason: string;
}

/** What a repair does about each mismatch. It never deletes: a copy whose source is gone may be all that is left of it. */
export function planRepair(mismatches: readonly Mismatch[]): RepairStep[] {
  return mismatches.map(({ name, issue, fields }) => {
    switch (issue) {
      case "missing-projection":
        return { name, action: "created", reason: "missing-projection" };
      case "field-mismatch":
        return { name, action: "updated", reason: `field-mismatch: ${(fields ?? []).join(", ")}` };
      case "missing-source":
        return { name, action: "skipped", reason: "missing-source: nothing is deleted by a repair" };
    }
  });
}
