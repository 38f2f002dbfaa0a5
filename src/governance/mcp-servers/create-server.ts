import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { replaceGrants } from "../grants";
import { shownEndpoint } from "./mcp-servers.core";
import { getServer } from "./mcp-servers.queries";
import type { CreateServerBody, ServerView } from "./mcp-servers.schemas";
import { insertServer, replaceCredentials, SERVER_NAME_INDEX } from "./mcp-servers.store";
import { requireSound } from "./server-rules";

/** Registers a server with its grants and credentials, all or nothing. @throws AppError VALIDATION_ERROR, CONFLICT when the name is taken */
export async function createServer(ctx: Ctx, body: z.output<typeof CreateServerBody>): Promise<z.input<typeof ServerView>> {
  requireSound(ctx, body);
  const now = ctx.clock.now();
  const id = newId("mcp", now);
  const { name, endpoint, scope, transport, status, grants, credentials } = body;
  const plan = new Plan(ctx).write(
    insertServer(ctx, {
      id,
      name,
      endpoint,
      scope,
      transport,
      status,
      description: body.description ?? "",
      capabilities: body.capabilities ?? [],
      sourceId: body.sourceId ?? null,
      lastSyncedAt: body.lastSyncedAt ?? null,
      createdAt: now,
      updatedAt: now,
    }),
  );
  replaceGrants(ctx, plan, "mcp-server", id, grants);
  replaceCredentials(ctx, plan, id, credentials);
  contractsChanged(plan, "all");
  plan.audit(governed({ action: "mcp_server.create", kind: "McpServer", key: id, after: { name, endpoint: shownEndpoint(endpoint), scope, transport, status, grants: grants.length, credentials: credentials.length } }));
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, SERVER_NAME_INDEX)) throw new AppError("CONFLICT", `There is already an MCP server named ${name}.`);
    throw error;
  }
  return getServer(ctx, { id });
}
