/** What a grant is about. */
export const PAYLOAD_TYPES = ["awareness", "mcp-server", "skill-bundle"] as const;
export type PayloadType = (typeof PAYLOAD_TYPES)[number];

/** How wide what is granted reaches. Has no part in who wins. */
export const GRANT_SCOPES = ["org", "department", "project", "personal"] as const;
export type GrantScope = (typeof GRANT_SCOPES)[number];

export const SUBJECT_TYPES = ["group", "tenant", "user"] as const;
export type SubjectType = (typeof SUBJECT_TYPES)[number];

export const ACCESS = ["allow", "deny"] as const;
export type Access = (typeof ACCESS)[number];

/** What of a grant decides. */
export interface RankedGrant {
  readonly payloadType: PayloadType;
  readonly payloadId: string;
  readonly access: Access;
  readonly scope: GrantScope;
  readonly priority: number;
  /** Milliseconds. */
  readonly createdAt: number;
  /** Order of writing, unique: the later of two grants of one moment is the newer one. */
  readonly seq: number;
}

/** What a principal may do with one payload, and in which scope. */
export interface Decision {
  readonly payloadId: string;
  readonly access: Access;
  readonly scope: GrantScope;
}

export type Decisions = Readonly<Record<PayloadType, readonly Decision[]>>;

/** Whether `a` beats `b`: the higher priority, then deny before allow, then the newer one. A total order, so the order of reading never matters. */
export function beats(a: RankedGrant, b: RankedGrant): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.access !== b.access) return a.access === "deny";
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt;
  return a.seq > b.seq;
}

/** Of all grants that touch a principal one winner per payload, sorted by payload id. A payload without a decision is not allowed. */
export function decide(grants: readonly RankedGrant[]): Decisions {
  const decisionsOf = (type: PayloadType): Decision[] => {
    const winners = new Map<string, RankedGrant>();
    for (const grant of grants) {
      if (grant.payloadType !== type) continue;
      const best = winners.get(grant.payloadId);
      if (!best || beats(grant, best)) winners.set(grant.payloadId, grant);
    }
    return [...winners.values()].map(({ payloadId, access, scope }) => ({ payloadId, access, scope })).sort((a, b) => (a.payloadId < b.payloadId ? -1 : 1));
  };
  return { awareness: decisionsOf("awareness"), "mcp-server": decisionsOf("mcp-server"), "skill-bundle": decisionsOf("skill-bundle") };
}

/** What is allowed, by payload id, with the scope in which it is. */
export const allowedScopes = (decisions: readonly Decision[]): ReadonlyMap<string, GrantScope> => new Map(decisions.filter(({ access }) => access === "allow").map(({ payloadId, scope }) => [payloadId, scope]));
