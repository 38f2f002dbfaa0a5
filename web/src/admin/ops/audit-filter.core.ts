/** A search of the audit as people write it in the address and in the form, and as the server takes it. */

export const AUDIT_FIELDS = ["actor", "action", "subject", "tenant", "since", "until"] as const;
export type AuditField = (typeof AUDIT_FIELDS)[number];
export type AuditSearch = { [field in AuditField]?: string };

const ACTOR_TYPES = ["anonymous", "user", "cliToken", "system"] as const;

export interface AuditFilter {
  actor_type?: (typeof ACTOR_TYPES)[number];
  actor_id?: string;
  action?: string;
  subject_type?: string;
  subject_id?: string;
  tenant_id?: number;
  since?: string;
  until?: string;
}

export interface ReadSearch {
  filter: AuditFilter;
  /** What is wrong, by field. With any, nothing is asked. */
  faults: { [field in AuditField]?: string };
}

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "7d", "12h", "30m" before now, or a date as ISO 8601 has it; null for anything else. */
export function readTime(text: string, nowMs: number): string | null {
  const span = /^(\d{1,4})([mhd])$/.exec(text);
  if (span) return new Date(nowMs - Number(span[1]) * (UNIT_MS[span[2] ?? ""] ?? 0)).toISOString();
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

/** `type:id` cut at the first colon; null when a half is missing. */
function cut(text: string): [string, string] | null {
  const at = text.indexOf(":");
  return at > 0 && at < text.length - 1 ? [text.slice(0, at), text.slice(at + 1)] : null;
}

export function readAuditSearch(search: AuditSearch, nowMs: number): ReadSearch {
  const filter: AuditFilter = {};
  const faults: ReadSearch["faults"] = {};
  const read = (field: AuditField): string => search[field]?.trim() ?? "";
  const actor = read("actor");
  if (actor !== "") {
    const [type, id] = cut(actor) ?? [null, actor];
    const known = ACTOR_TYPES.find((one) => one === type);
    if (type !== null && !known) faults.actor = `An id, or one of ${ACTOR_TYPES.join(", ")} with a colon before it.`;
    else Object.assign(filter, known ? { actor_type: known, actor_id: id } : { actor_id: id });
  }
  const action = read("action");
  if (action !== "") {
    if (/^[a-z_]+(\.[a-z_]*)?$/.test(action)) filter.action = action;
    else faults.action = "A noun such as user, or the beginning of a verb behind it: user.sign.";
  }
  const subject = read("subject");
  if (subject !== "") {
    const parts = cut(subject);
    if (parts) [filter.subject_type, filter.subject_id] = parts;
    else faults.subject = "A kind and an id with a colon between them: gate:signup.open.";
  }
  const tenant = read("tenant");
  if (tenant !== "") {
    if (/^\d{1,15}$/.test(tenant)) filter.tenant_id = Number(tenant);
    else faults.tenant = "The id of an account.";
  }
  for (const field of ["since", "until"] as const) {
    const text = read(field);
    if (text === "") continue;
    const at = readTime(text, nowMs);
    if (at === null) faults[field] = "7d, 12h, 30m or a date: 2026-11-22.";
    else filter[field] = at;
  }
  return { filter, faults };
}

/** What changed between two states, name by name; null where there are no two. */
export function listChanges(detail: Record<string, unknown>): { name: string; before: string; after: string }[] | null {
  const before = detail["before"];
  const after = detail["after"];
  if (!isRecord(before) || !isRecord(after)) return null;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [was, is] = [show(before[name]), show(after[name])];
    return was === is ? [] : [{ name, before: was, after: is }];
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const show = (value: unknown): string => (value === undefined || value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value));
