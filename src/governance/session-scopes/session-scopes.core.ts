import { allowedScopes, GRANT_SCOPES, type Decision, type GrantScope } from "../grants";

/** A piece of awareness that a session may draw on. */
export interface Selector {
  readonly scope: GrantScope;
  readonly payloadId: string;
}

const MAX_PAYLOAD_ID_LENGTH = 255;

/** Selectors as they came, as far as they are such: malformed ones vanish. Of two with one payload the last counts, in the place of the first. */
export function readSelectors(raw: readonly unknown[]): Selector[] {
  const selectors = new Map<string, Selector>();
  for (const one of raw) {
    const selector = readSelector(one);
    if (selector) selectors.set(selector.payloadId, selector);
  }
  return [...selectors.values()];
}

function readSelector(raw: unknown): Selector | null {
  if (raw === null || typeof raw !== "object" || !("payloadId" in raw) || !("scope" in raw)) return null;
  const { payloadId } = raw;
  // `team` is what `department` was called before.
  const scope = GRANT_SCOPES.find((known) => known === (raw.scope === "team" ? "department" : raw.scope));
  if (scope === undefined || typeof payloadId !== "string" || payloadId.trim() === "" || payloadId.length > MAX_PAYLOAD_ID_LENGTH) return null;
  return { scope, payloadId };
}

/** What of `asked` the decisions allow, in the scope that was granted instead of the one that was asked for, and what they do not. */
export function intersect(asked: readonly Selector[], decisions: readonly Decision[]): { readonly granted: readonly Selector[]; readonly rejected: readonly Selector[] } {
  const allowed = allowedScopes(decisions);
  const granted: Selector[] = [];
  const rejected: Selector[] = [];
  for (const selector of asked) {
    const scope = allowed.get(selector.payloadId);
    if (scope === undefined) rejected.push(selector);
    else granted.push({ scope, payloadId: selector.payloadId });
  }
  return { granted, rejected };
}
