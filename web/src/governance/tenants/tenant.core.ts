/** A tenant as a form holds it, and in words. */
import type { Tone } from "../../admin/tone";
import type { NewTenant, Phase, Tenant, TenantChange, TenantMachine } from "../governance.types";
import { readUsd } from "../budgets/money.core";
import { readLabels, readList, showLabels, showList } from "../texts.core";

export const PHASES = ["Pending", "Running", "Suspended", "Error"] as const satisfies readonly Phase[];
export const PHASE_TONE: Record<Phase, Tone> = { Pending: "info", Running: "ok", Suspended: "warn", Error: "bad" };

export interface TenantDraft {
  name: string;
  displayName: string;
  email: string;
  team: string;
  budget: string;
  policyRef: string;
  wave: string;
  labels: string;
  skills: string;
}

export type DraftField = keyof TenantDraft;

export const EMPTY_TENANT: TenantDraft = { name: "", displayName: "", email: "", team: "", budget: "", policyRef: "", wave: "", labels: "", skills: "" };

export const draftOfTenant = (tenant: Tenant): TenantDraft => ({
  name: tenant.name,
  displayName: tenant.displayName,
  email: tenant.email,
  team: tenant.team ?? "",
  budget: tenant.monthlyBudgetUsd === undefined ? "" : String(tenant.monthlyBudgetUsd),
  policyRef: tenant.policyRef ?? "",
  wave: tenant.wave ?? "",
  labels: showLabels(tenant.labels),
  skills: showList(tenant.skillAllowlist),
});

export type Faults = { [field in DraftField]?: string };
type ReadFields = { ok: true; fields: Required<Pick<NewTenant, "displayName" | "email" | "team" | "monthlyBudgetUsd" | "policyRef" | "wave" | "labels" | "skillAllowlist">> } | { ok: false; faults: Faults };

/** What a form says of a tenant: an empty field is null. */
function readFields(draft: TenantDraft): ReadFields {
  const labels = readLabels(draft.labels);
  const budget = readUsd(draft.budget);
  const [displayName, email] = [draft.displayName.trim(), draft.email.trim()];
  const faults: Faults = {
    ...(displayName === "" ? { displayName: "People need a name to know it by." } : {}),
    ...(/^\S+@\S+\.\S+$/.test(email) ? {} : { email: "An e-mail address." }),
    ...(labels.ok ? {} : { labels: labels.fault }),
    ...(budget.ok ? {} : { budget: budget.fault }),
  };
  if (!labels.ok || !budget.ok || Object.keys(faults).length > 0) return { ok: false, faults };
  const skills = readList(draft.skills);
  return {
    ok: true,
    fields: {
      displayName,
      email,
      team: draft.team.trim() || null,
      monthlyBudgetUsd: budget.value,
      policyRef: draft.policyRef.trim() || null,
      wave: draft.wave.trim() || null,
      labels: Object.keys(labels.value).length > 0 ? labels.value : null,
      skillAllowlist: skills.length > 0 ? skills : null,
    },
  };
}

export type ReadDraft<T> = { ok: true; body: T } | { ok: false; faults: Faults };

export function readNewTenant(draft: TenantDraft): ReadDraft<NewTenant> {
  const name = draft.name.trim();
  const read = readFields(draft);
  const named = name === "" ? { name: "A tenant needs a name." } : {};
  if (!read.ok || name === "") return { ok: false, faults: { ...named, ...(read.ok ? {} : read.faults) } };
  return { ok: true, body: { name, ...read.fields } };
}

/** Only what differs from the tenant as the form found it: what somebody else changed meanwhile stays. */
export function readTenantChange(draft: TenantDraft, before: Tenant): ReadDraft<TenantChange> {
  const read = readFields(draft);
  if (!read.ok) return read;
  const old = readFields(draftOfTenant(before));
  const was: Readonly<Record<string, unknown>> = old.ok ? old.fields : {};
  return { ok: true, body: Object.fromEntries(Object.entries(read.fields).filter(([key, value]) => JSON.stringify(was[key]) !== JSON.stringify(value))) };
}

/** Where the server's faults belong in the form, by the path of the wire. */
export const WIRE_PATHS: readonly (readonly [DraftField, string])[] = [
  ["name", "name"],
  ["displayName", "displayName"],
  ["email", "email"],
  ["team", "team"],
  ["budget", "monthlyBudgetUsd"],
  ["policyRef", "policyRef"],
  ["wave", "wave"],
  ["labels", "labels"],
  ["skills", "skillAllowlist"],
];

const SOURCE = { ref: "named by the tenant", selector: "by its selector", default: "the default", none: "" } as const;

/** Which policy holds for a tenant, and why. */
export function describePolicy({ policy, message }: Pick<Tenant, "policy" | "message">): { tone: Tone; text: string } {
  if (policy === undefined) return { tone: "info", text: "Not looked at yet" };
  switch (policy.state) {
    case "resolved":
      return { tone: "ok", text: [policy.name ?? "", SOURCE[policy.source]].filter((part) => part !== "").join(", ") };
    case "none":
      return { tone: "quiet", text: "No policy: nothing is restricted" };
    case "missing":
      return { tone: "bad", text: message ?? "Its policy does not exist" };
    case "conflict":
      return { tone: "bad", text: message ?? "Several policies match" };
  }
}

/** How far a machine is with its contract. */
export function describeSync({ inSync, revision, deliveredRevision, reportedRevision }: Pick<TenantMachine, "inSync" | "revision" | "deliveredRevision" | "reportedRevision">): { tone: Tone; label: string } {
  if (inSync) return { tone: "ok", label: "In sync" };
  if (revision === null) return { tone: "info", label: "Contract is being made" };
  if (deliveredRevision !== revision) return { tone: "info", label: "Not delivered yet" };
  return reportedRevision === null ? { tone: "warn", label: "Never reported" } : { tone: "warn", label: "Behind" };
}

/** "2 of 3 in sync" */
export const describeMachines = (machines: readonly Pick<TenantMachine, "inSync">[]): string =>
  machines.length === 0 ? "no machines" : `${machines.filter(({ inSync }) => inSync).length} of ${machines.length} in sync`;

/** Tenants that fit what is searched for, by any of their names. */
export function filterTenants(tenants: readonly Tenant[], q: string, phase: Phase | null): Tenant[] {
  const wanted = q.trim().toLowerCase();
  return tenants.filter((tenant) => (phase === null || tenant.phase === phase) && [tenant.name, tenant.displayName, tenant.email, tenant.team ?? ""].some((text) => text.toLowerCase().includes(wanted)));
}
