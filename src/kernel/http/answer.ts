/**
 * Headers that every answer of ours carries. The local runtime compresses JSON for whoever accepts it, which costs more CPU than
 * a beat itself and blinds debugging proxies, so there we say that the body is as it is; the edge compresses as it likes.
 */
export function stampAnswer(response: Response, isLocal: boolean, requestId: string): Response {
  const stamped = new Response(response.body, response);
  stamped.headers.set("x-request-id", requestId);
  if (isLocal && stamped.headers.get("content-type")?.includes("json")) stamped.headers.set("content-encoding", "identity");
  return stamped;
}
