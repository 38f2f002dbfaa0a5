/** What may be done to whom, and words for what was done. The rules are the server's (docs/design/admin.md); here they only hide what it would refuse. */
import type { Role } from "../../auth/role.core";
import { countOf, humanise } from "../../lib/format";
import type { Person, Plan, Removal, SignOutAnswer } from "../admin.types";

/** Who looks. */
export interface Operator {
  id: number;
  role: Role;
}

/** Only superadministrators change administrators. */
export const mayChange = (me: Operator, person: Pick<Person, "role">): boolean => me.role === "superadmin" || person.role === "user";
/** Everybody may sign themselves out. */
export const maySignOut = (me: Operator, person: Pick<Person, "id" | "role">): boolean => me.id === person.id || mayChange(me, person);
/** Switches, given-up work and keys. */
export const mayOperate = (me: Operator): boolean => me.role === "superadmin";

/** Why somebody cannot be removed for good, or null. */
export function whyNotRemoved(me: Operator, person: Pick<Person, "role" | "email">): string | null {
  if (person.role !== "user") return "Administrators are never removed. Take the role away first.";
  if (!person.email) return "There is no address to confirm with.";
  return mayChange(me, person) ? null : "Only a superadministrator may do that.";
}

/** The address that removes must be typed as it stands; case does not matter there. */
export const isTypedAddress = (typed: string, email: string | null): boolean => email !== null && email !== "" && typed.trim().toLowerCase() === email.toLowerCase();

export const nameOfPerson = ({ display_name, name, username, email, id }: Pick<Person, "display_name" | "name" | "username" | "email" | "id">): string => display_name || name || username || email || `User ${id}`;

const MATRIX_REASONS: Record<string, string> = {
  matrix_not_configured: "this server has no homeserver",
  matrix_unreachable: "the homeserver cannot be reached",
  matrix_busy: "the homeserver is busy",
  matrix_name_taken: "somebody else has the name there",
  matrix_account_missing: "there is no account there",
  matrix_account_deactivated: "the account there is ended",
  user_has_no_matrix_id: "this person has no Matrix id",
};

export const matrixReason = (code: string): string => MATRIX_REASONS[code] ?? humanise(code);

/** "Signed out: 3 sessions, 2 Matrix devices." */
export function describeSignOut({ sessions_revoked, matrix_devices_total, matrix_devices_deleted, matrix_error }: SignOutAnswer): { text: string; isWhole: boolean } {
  const devices = matrix_devices_total === matrix_devices_deleted ? countOf(matrix_devices_deleted, "Matrix device") : `${matrix_devices_deleted} of ${countOf(matrix_devices_total, "Matrix device")}`;
  const told = matrix_error === null ? "" : ` The Matrix devices stay: ${matrixReason(matrix_error)}.`;
  const isConfigured = matrix_error === null || matrix_error === "matrix_not_configured" || matrix_error === "user_has_no_matrix_id";
  return { text: `Signed out: ${countOf(sessions_revoked, "session")}${matrix_error === null ? `, ${devices}` : ""}.${told}`, isWhole: isConfigured && matrix_devices_total === matrix_devices_deleted };
}

const STEP_NAMES: Record<string, string> = {
  bots: "Bots",
  instances: "Machines",
  fingerprints: "Hardware fingerprints",
  cli_tokens: "CLI tokens",
  shares: "Shares",
  payments: "Payments",
  files: "Files",
  matrix: "Matrix account",
  identity: "Sign-ins",
  database: "Account",
};

export const stepName = (name: string): string => STEP_NAMES[name] ?? humanise(name);

/** One sentence over the ten steps. */
export function describeRemoval({ email, steps, reclaimable }: Removal): { text: string; isWhole: boolean } {
  const failed = steps.filter(({ ok }) => !ok);
  const free = reclaimable ? " The address and the name are free again." : "";
  if (failed.length === 0) return { text: `${email} is gone.${free}`, isWhole: true };
  return { text: `${email} is gone, but ${countOf(failed.length, "step")} did not end: ${failed.map(({ name }) => stepName(name).toLowerCase()).join(", ")}. Others try that again, or you must; each says which.${free}`, isWhole: false };
}

export interface PlanChoice {
  key: string;
  name: string;
  way: "up" | "down";
}

/** Plans other than the present one, lowest first, and which way each is. */
export function planChoices(plans: readonly Plan[], present: string | null): PlanChoice[] {
  const tier = plans.find(({ name }) => name === present)?.tier ?? 0;
  return plans
    .filter((plan) => plan.name !== present && plan.is_active && plan.tier !== tier)
    .toSorted((a, b) => a.tier - b.tier)
    .map((plan) => ({ key: plan.name, name: plan.display_name, way: plan.tier > tier ? "up" : "down" }));
}

/** Sessions that can still refresh, then the others; the newest first in both. */
export function sortSessions<T extends { is_revoked: boolean; expires_at: string; last_seen_at: string | null }>(sessions: readonly T[], nowMs: number): { live: T[]; ended: T[] } {
  const isLive = (session: T) => !session.is_revoked && Date.parse(session.expires_at) > nowMs;
  const newest = (a: T, b: T) => (b.last_seen_at ?? "").localeCompare(a.last_seen_at ?? "");
  return { live: sessions.filter(isLive).toSorted(newest), ended: sessions.filter((session) => !isLive(session)).toSorted(newest) };
}
