import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { deleteGrantsOf } from "../grants";
import { shownEndpoint } from "./mcp-servers.core";
import type { DeletedServerView, ServerRef } from "./mcp-servers.schemas";
import { deleteServerRow, findServer, replaceCredentials } from "./mcp-servers.store";

/** Removes a server with its grants and credentials. @throws MCP_SERVER_NOT_FOUND */
export function deleteServer(ctx: Ctx, { id }: z.output<typeof ServerRef>): Promise<z.input<typeof DeletedServerView>> {
  return retryLostUpdate(async () => {
    const found = await findServer(ctx, id);
    if (!found) throw refusal("MCP_SERVER_NOT_FOUND", "MCP server not found.");
    const { name, endpoint } = found.server;
    const plan = new Plan(ctx).guarded(deleteServerRow(ctx, found.server));
    deleteGrantsOf(ctx, plan, "mcp-server", id);
    replaceCredentials(ctx, plan, id, []);
    contractsChanged(plan, "all");
    plan.audit(governed({ action: "mcp_server.delete", kind: "McpServer", key: id, before: { name, endpoint: shownEndpoint(endpoint) } }));
    await plan.commit();
    return { id, status: "deleted" as const };
  });
}
