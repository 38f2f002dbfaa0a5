/** MCP servers of others, spoken to over HTTP. The client is src/integrations/mcp; verbs see only this. */

export interface McpCall {
  readonly url: URL;
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Ends the call when the caller goes. */
  readonly signal: AbortSignal;
}

export interface McpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** As it arrives; null when there is none. Whoever does not read it cancels it. */
  readonly body: ReadableStream<Uint8Array> | null;
}

export interface McpUpstream {
  /**
   * Sends one message; resolves with the head of the answer. Follows no redirect.
   * @throws AppError BAD_GATEWAY when the server cannot be reached, GATEWAY_TIMEOUT when its answer does not begin in time, CLIENT_GONE
   */
  send(call: McpCall): Promise<McpAnswer>;
}
