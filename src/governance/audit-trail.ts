import type { AuditEntry, ReportedAct } from "../kernel/audit/audit";

/** The realm of this family's rows in the audit log. */
export const GOVERNANCE_REALM = "governance";

/** One change, as operators read it. Never holds a secret. */
export interface GovernedAct {
  /** Noun and verb, for example `policy.create`. */
  readonly action: string;
  /** What kind of thing changed, as its trail names it: `Tenant`, `AccessPolicy`. */
  readonly kind: string;
  /** Which one: its name or id. */
  readonly key: string;
  /** The tenant that it concerns; kept when the tenant is gone. */
  readonly tenant?: string | undefined;
  readonly message?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** The audit entry of a change in governance. @param reported where and by whom, when an object tells of it later */
export function governed({ action, kind, key, tenant, message, before, after }: GovernedAct, reported?: ReportedAct): AuditEntry {
  return {
    action,
    tenantId: null,
    subject: { type: kind, id: key },
    detail: { ...(message === undefined ? {} : { message }), ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) },
    realm: { name: GOVERNANCE_REALM, scope: tenant ?? null },
    ...(reported ? { reported } : {}),
  };
}
