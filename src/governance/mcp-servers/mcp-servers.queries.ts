import type { z } from "zod";
import { webOrigin, type Ctx } from "../../kernel/context";
import { refusal } from "../errors";
import { listAllGrants, listGrantsOf } from "../grants";
import { findKnownSecrets } from "../secrets";
import { toCredentialView, toServerView, type CredentialListView, type ServerListView, type ServerRef, type ServerView } from "./mcp-servers.schemas";
import { findServer, listServerRows, type ListedServer } from "./mcp-servers.store";

/** All servers, newest first. */
export async function listServers(ctx: Ctx): Promise<z.input<typeof ServerListView>> {
  const [servers, grants] = await Promise.all([listServerRows(ctx), listAllGrants(ctx, "mcp-server")]);
  const secrets = await secretsNamedBy(ctx, servers);
  return servers.map((listed) => toServerView(listed, { grants: grants.get(listed.server.id) ?? [], secrets, origin: webOrigin(ctx) }));
}

/** One server. @throws MCP_SERVER_NOT_FOUND */
export async function getServer(ctx: Ctx, { id }: z.output<typeof ServerRef>): Promise<z.input<typeof ServerView>> {
  const [found, grants] = await Promise.all([requireServer(ctx, id), listGrantsOf(ctx, "mcp-server", [id])]);
  return toServerView(found, { grants: grants.get(id) ?? [], secrets: await secretsNamedBy(ctx, [found]), origin: webOrigin(ctx) });
}

/** A server's credentials, oldest first. @throws MCP_SERVER_NOT_FOUND */
export async function listCredentials(ctx: Ctx, { id }: z.output<typeof ServerRef>): Promise<z.input<typeof CredentialListView>> {
  const found = await requireServer(ctx, id);
  const secrets = await secretsNamedBy(ctx, [found]);
  return found.credentials.map((credential) => toCredentialView(credential, secrets));
}

async function requireServer(ctx: Ctx, id: string): Promise<ListedServer> {
  const found = await findServer(ctx, id);
  if (!found) throw refusal("MCP_SERVER_NOT_FOUND", "MCP server not found.");
  return found;
}

const secretsNamedBy = (ctx: Ctx, servers: readonly ListedServer[]): Promise<ReadonlySet<string>> =>
  findKnownSecrets(ctx, servers.flatMap(({ credentials }) => credentials.flatMap(({ secretRef }) => secretRef ?? [])));
