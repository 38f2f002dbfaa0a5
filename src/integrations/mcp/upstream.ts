import { SECOND_MS } from "../../kernel/clock";
import { AppError } from "../../kernel/errors/app-error";
import type { McpUpstream } from "../../kernel/ports/mcp";

/** Until an answer begins. Tools may think for a while before they say anything. */
const HEAD_TIMEOUT_MS = 60 * SECOND_MS;

/** Talks to MCP servers. Causes hold no text of theirs and no address: both have been seen to hold keys. */
export function createMcpUpstream({ headTimeoutMs = HEAD_TIMEOUT_MS }: { readonly headTimeoutMs?: number } = {}): McpUpstream {
  return {
    async send({ url, method, headers, body, signal }) {
      // Only the head has a limit: an event stream goes on for as long as somebody listens.
      const late = new AbortController();
      const timer = setTimeout(() => {
        late.abort();
      }, headTimeoutMs);
      try {
        const response = await fetch(url, { method, headers: { "user-agent": "sett", ...headers }, body, redirect: "manual", signal: AbortSignal.any([signal, late.signal]) });
        return { status: response.status, headers: response.headers, body: response.body };
      } catch (error) {
        if (signal.aborted) throw new AppError("CLIENT_GONE", "The caller left before the answer.");
        if (late.signal.aborted) throw new AppError("GATEWAY_TIMEOUT", "The MCP server does not answer in time.", { cause: new Error(`no answer within ${headTimeoutMs} ms`) });
        throw new AppError("BAD_GATEWAY", "The MCP server cannot be reached.", { cause: new Error(`MCP server: ${error instanceof Error ? error.name : "it cannot be reached"}`) });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
