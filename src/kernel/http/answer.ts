/**
 * Headers that every answer of ours carries. The local runtime compresses JSON for whoever accepts it, which costs more CPU than
 * a beat itself and blinds debugging proxies, so there we say that the body is as it is; the edge compresses as it likes.
 */
export function stampAnswer(response: Response, { isLocal, isHttps, requestId }: { readonly isLocal: boolean; readonly isHttps: boolean; readonly requestId: string }): Response {
  const stamped = new Response(response.body, response);
  // Not on the own machine, whose name other servers share.
  if (isHttps && !isLocal) stamped.headers.set("strict-transport-security", "max-age=63072000; includeSubDomains; preload");
  for (const [name, value] of Object.entries(answerHeaders(isLocal && (stamped.headers.get("content-type")?.includes("json") ?? false), requestId))) stamped.headers.set(name, value);
  return stamped;
}

/** The same for an answer that is still to be made: copying one costs the hot path as much as parsing its beat. */
export const answerHeaders = (isLocalJson: boolean, requestId: string): Record<string, string> => ({ "x-request-id": requestId, "access-control-allow-origin": "*", ...(isLocalJson ? { "content-encoding": "identity" } : {}) });
