
export const TRANSPORTS = ["streamable-http", "sse", "websocket"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** A draft is not used yet, and a degraded one not now. */
export const SERVER_STATUSES = ["active", "degraded", "draft"] as const;

/** `static`: a stored secret for everybody. `obo`: exchanged for each user, on their behalf. */
export const BROKERING_MODES = ["static", "obo"] as const;
export type BrokeringMode = (typeof BROKERING_MODES)[number];

export const MAX_ENDPOINT_LENGTH = 2_048;

/**
 * An endpoint as it is kept, or why it cannot be one, for people.
 * @param isLocal only there may traffic go unencrypted
 */
export function readEndpoint(text: string, isLocal: boolean): { readonly endpoint: string } | { readonly fault: string } {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) return { fault: "Must be an http, https, ws or wss address" };
  if (!isLocal && !/^(https|wss):$/.test(url.protocol)) return { fault: "Must be encrypted: https or wss" };
  if (url.username !== "" || url.password !== "") return { fault: "Must hold no credentials; keep them as a secret" };
  if (text.includes("#")) return { fault: "Must have no fragment" };
  return { endpoint: text };
}

/** Who may hold what: a static credential names its secret, one on behalf of users has none. Answers what is wrong, or null. */
export function custodyFault(mode: BrokeringMode, secretRef: string | null): string | null {
  if (mode === "static" && secretRef === null) return "A static credential needs a secretRef";
  if (mode === "obo" && secretRef !== null) return "A credential on behalf of users must not have a secretRef";
  return null;
}

/** Whether the broker can carry a server's traffic. */
export const isBrokered = (transport: Transport, endpoint: string): boolean => transport !== "websocket" && /^https?:/i.test(endpoint);

/** An endpoint as the audit trail shows it: queries have been seen to hold keys. */
export const shownEndpoint = (endpoint: string): string => endpoint.split("?")[0] ?? "";
