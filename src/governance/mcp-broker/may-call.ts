import type { Ctx } from "../../kernel/context";
import { governanceConfig } from "../config";
import { refusal } from "../errors";
import { compileGrants } from "../grants";
import { findServer, isBrokered, type ListedServer } from "../mcp-servers";
import { allowsName, readPolicies, resolvePolicy } from "../policies";
import { findCallingTenant, findTenantOfToken } from "./mcp-broker.store";

/** Whom a call is for: the tenant that a session token speaks for, or the one that governs the machine of a CLI token. @throws NO_TENANT */
export async function requireTenant(ctx: Ctx): Promise<string> {
  const { actor } = ctx;
  if (actor.type === "tenant") return actor.tenant;
  const tenant = actor.type === "cliToken" ? await findTenantOfToken(ctx, actor.userId, actor.tokenId) : null;
  if (tenant === null) throw refusal("NO_TENANT", "No tenant governs the machine of this token.");
  return tenant;
}

/** A server that a tenant may call, for the tenant's present life. */
export interface Callable extends ListedServer {
  readonly tenant: string;
  readonly born: number;
}

/**
 * The server that a tenant may call now. A server that it has no grant for answers like one that is not there.
 * @throws TENANT_NOT_FOUND, TENANT_SUSPENDED, MCP_SERVER_NOT_FOUND, MCP_DENIED by its policy, MCP_SERVER_INACTIVE, MCP_NOT_BROKERED
 */
export async function requireCallable(ctx: Ctx, tenantName: string, serverId: string): Promise<Callable> {
  const [tenant, found, grants, policies] = await Promise.all([findCallingTenant(ctx, tenantName), findServer(ctx, serverId), compileGrants(ctx, tenantName), readPolicies(ctx)]);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", "Tenant not found.");
  if (tenant.suspended) throw refusal("TENANT_SUSPENDED", "This tenant is suspended.");
  const isGranted = grants["mcp-server"].some(({ payloadId, access }) => payloadId === serverId && access === "allow");
  if (!found || !isGranted) throw refusal("MCP_SERVER_NOT_FOUND", "MCP server not found.");
  const { server } = found;
  const { policy, message } = resolvePolicy(tenant, policies, governanceConfig(ctx).tenants.defaultPolicyRef);
  if (message !== null) throw refusal("MCP_DENIED", `Nothing is allowed while the tenant's policy is unknown. ${message}`);
  if (policy && !allowsName(policy.mcpServers, server.name)) throw refusal("MCP_DENIED", `The policy ${policy.name} does not allow the MCP server ${server.name}.`);
  if (server.status !== "active") throw refusal("MCP_SERVER_INACTIVE", `The MCP server ${server.name} is ${server.status}, not active.`);
  if (!isBrokered(server.transport, server.endpoint)) throw refusal("MCP_NOT_BROKERED", "The broker carries streamable HTTP and SSE only.");
  return { ...found, tenant: tenant.name, born: tenant.bornRevision };
}
