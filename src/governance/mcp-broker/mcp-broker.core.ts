/** What passes the broker, and what does not. */

/** Most bytes of a message to a server. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Only these travel to a server: neither the caller's credentials nor its cookies, nor what belongs to one connection. */
const TO_SERVER = ["accept", "content-type", "mcp-protocol-version", "last-event-id"];
/** And only these come back. */
const TO_CALLER = ["content-type", "mcp-protocol-version", "retry-after"];
/** Says which session a message belongs to. */
export const SESSION_HEADER = "mcp-session-id";

const picked = (headers: Headers, names: readonly string[]): Record<string, string> => Object.fromEntries(names.flatMap((name) => (headers.get(name) === null ? [] : [[name, headers.get(name) ?? ""]])));

const sessionOf = (session: string | null): Record<string, string> => (session === null ? {} : { [SESSION_HEADER]: session });

/** Headers of a call to a server. @param session as the server named it; `secret` is the credential's value, if there is one */
export const headersToServer = (headers: Headers, session: string | null, secret: string | null): Record<string, string> => ({
  ...picked(headers, TO_SERVER),
  ...sessionOf(session),
  ...(secret === null ? {} : { authorization: authorizationOf(secret) }),
});

/** Headers of the answer to the caller. What a server calls HTML must not be taken for a page of ours. @param session as callers name it */
export const headersToCaller = (headers: Headers, session: string | null): Record<string, string> => ({ ...picked(headers, TO_CALLER), ...sessionOf(session), "cache-control": "no-store", "x-content-type-options": "nosniff" });

/** A secret as a header: with its scheme when it has one, as a bearer token otherwise. */
export const authorizationOf = (secret: string): string => (/^[A-Za-z][A-Za-z0-9-]* +\S/.test(secret) ? secret : `Bearer ${secret}`);

interface CredentialFacts {
  readonly brokeringMode: "static" | "obo";
  readonly secretRef: string | null;
}

/** How a server is proven who calls: the oldest stored secret; without one not at all, unless users' own tokens would have to be exchanged, which nobody does. */
export function credentialToUse(credentials: readonly CredentialFacts[]): { readonly kind: "secret"; readonly name: string } | { readonly kind: "none" } | { readonly kind: "exchange" } {
  const name = credentials.find(({ brokeringMode, secretRef }) => brokeringMode === "static" && secretRef !== null)?.secretRef;
  if (name !== undefined && name !== null) return { kind: "secret", name };
  return credentials.length === 0 ? { kind: "none" } : { kind: "exchange" };
}

/** Whether an answer goes on for as long as somebody listens. */
export const isEventStream = (contentType: string | null): boolean => contentType !== null && /^text\/event-stream\s*(?:;|$)/i.test(contentType);

const SPOKEN = /^(?:application\/json|text\/event-stream)\s*(?:;|$)/i;

/**
 * What becomes of a server's answer: `pass` as it is, `bare` without its body (a plain word like "Accepted"), `refused` when it does
 * not take our credential, `failed` when it is no answer of an MCP server.
 */
export function judgeAnswer(status: number, contentType: string | null): "pass" | "bare" | "refused" | "failed" {
  if (status === 401 || status === 403) return "refused";
  if (status < 200 || (status >= 300 && status < 400) || status >= 500) return "failed";
  if (contentType !== null && SPOKEN.test(contentType)) return "pass";
  return status === 200 && contentType !== null ? "failed" : "bare";
}
