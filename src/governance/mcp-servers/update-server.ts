import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { replaceGrants } from "../grants";
import { shownEndpoint } from "./mcp-servers.core";
import { getServer } from "./mcp-servers.queries";
import type { ServerRef, ServerView, UpdateServerBody } from "./mcp-servers.schemas";
import { findServer, replaceCredentials, SERVER_NAME_INDEX, updateServerRow, type Server } from "./mcp-servers.store";
import { requireSound } from "./server-rules";

/** Changes a server. Its grants and credentials are written anew whatever the request holds. @throws MCP_SERVER_NOT_FOUND, AppError VALIDATION_ERROR, CONFLICT when the name is taken */
export async function updateServer(ctx: Ctx, ref: z.output<typeof ServerRef>, body: z.output<typeof UpdateServerBody>): Promise<z.input<typeof ServerView>> {
  await retryLostUpdate(async () => {
    const found = await findServer(ctx, ref.id);
    if (!found) throw refusal("MCP_SERVER_NOT_FOUND", "MCP server not found.");
    requireSound(ctx, body);
    const { server } = found;
    const after = changed(server, body);
    const plan = new Plan(ctx).guarded(updateServerRow(ctx, server, { ...after, updatedAt: ctx.clock.now() }));
    replaceGrants(ctx, plan, "mcp-server", server.id, body.grants);
    replaceCredentials(ctx, plan, server.id, body.credentials);
    contractsChanged(plan, "all");
    plan.audit(
      governed({
        action: "mcp_server.update",
        kind: "McpServer",
        key: server.id,
        before: { ...shown(server), credentials: found.credentials.length },
        after: { ...shown(after), grants: body.grants.length, credentials: body.credentials.length },
      }),
    );
    try {
      await plan.commit();
    } catch (error) {
      if (isUniqueViolation(error, SERVER_NAME_INDEX)) throw new AppError("CONFLICT", `There is already an MCP server named ${after.name}.`);
      throw error;
    }
  });
  return getServer(ctx, ref);
}

type Fields = Pick<Server, "name" | "endpoint" | "scope" | "transport" | "status" | "description" | "capabilities" | "sourceId" | "lastSyncedAt">;

/** What is absent stays; null takes away what may be missing. */
const changed = (server: Server, body: z.output<typeof UpdateServerBody>): Fields => ({
  name: body.name ?? server.name,
  endpoint: body.endpoint ?? server.endpoint,
  scope: body.scope ?? server.scope,
  transport: body.transport ?? server.transport,
  status: body.status ?? server.status,
  description: body.description === undefined ? server.description : (body.description ?? ""),
  capabilities: body.capabilities ?? server.capabilities,
  sourceId: body.sourceId === undefined ? server.sourceId : body.sourceId,
  lastSyncedAt: body.lastSyncedAt === undefined ? server.lastSyncedAt : body.lastSyncedAt,
});

/** What the audit trail says of a server. */
const shown = ({ name, endpoint, scope, transport, status }: Fields) => ({ name, endpoint: shownEndpoint(endpoint), scope, transport, status });
