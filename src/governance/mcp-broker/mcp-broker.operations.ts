import { operation } from "../../kernel/operation";
import { brokerCall } from "./broker-call";
import { BrokerQuery, BrokerRef } from "./mcp-broker.schemas";

const shared = { path: "/api/v1/mcp/{id}", tag: "Runtime", auth: ["tenant", "cliToken"], params: BrokerRef, query: BrokerQuery, errors: [404, 409, 422, 502, 503, 504], produces: "application/octet-stream", limit: "read" } as const;

export const operations = [
  operation({ ...shared, id: "governance.mcp-broker.post", method: "post", summary: "Send a message to a granted MCP server; the answer is JSON or an event stream" }).handle(({ params, query, request }, ctx) =>
    brokerCall(ctx, { ...params, ...query, method: "POST", request }),
  ),
  operation({ ...shared, id: "governance.mcp-broker.get", method: "get", summary: "Listen to a granted MCP server" }).handle(({ params, query, request }, ctx) =>
    brokerCall(ctx, { ...params, ...query, method: "GET", request }),
  ),
  operation({ ...shared, id: "governance.mcp-broker.delete", method: "delete", summary: "End a session at a granted MCP server" }).handle(({ params, query, request }, ctx) =>
    brokerCall(ctx, { ...params, ...query, method: "DELETE", request }),
  ),
];
