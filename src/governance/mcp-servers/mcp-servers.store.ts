import { and, asc, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { newId } from "../../kernel/ids/ids";
import { governanceMcpCredentials, governanceMcpServers } from "../../schema/governance-mcp";
import { governanceSources } from "../../schema/governance-skills";
import type { BrokeringMode } from "./mcp-servers.core";

export type Server = typeof governanceMcpServers.$inferSelect;
type NewServer = typeof governanceMcpServers.$inferInsert;
export type Credential = typeof governanceMcpCredentials.$inferSelect;

/** A credential that is to be written; its secret is named, never held. */
export interface CredentialInput {
  readonly displayName: string;
  readonly brokeringMode: BrokeringMode;
  readonly secretRef: string | null;
}

/** A server with where it was discovered and its credentials, oldest first. */
export interface ListedServer {
  readonly server: Server;
  readonly sourceName: string | null;
  readonly credentials: readonly Credential[];
}

/** What keeps names apart, for the verb that names the refusal. */
export const SERVER_NAME_INDEX = "governance_mcp_servers.name";

const listed = (ctx: Ctx) =>
  ctx.db.select({ server: governanceMcpServers, sourceName: governanceSources.name }).from(governanceMcpServers).leftJoin(governanceSources, eq(governanceSources.id, governanceMcpServers.sourceId));

/** All servers, newest first. */
export async function listServerRows(ctx: Ctx): Promise<readonly ListedServer[]> {
  const [servers, credentials] = await Promise.all([
    listed(ctx).orderBy(desc(governanceMcpServers.createdAt), desc(governanceMcpServers.id)),
    ctx.db.select().from(governanceMcpCredentials).orderBy(asc(governanceMcpCredentials.seq)),
  ]);
  const byServer = new Map<string, Credential[]>();
  for (const credential of credentials) byServer.set(credential.serverId, [...(byServer.get(credential.serverId) ?? []), credential]);
  return servers.map((row) => ({ ...row, credentials: byServer.get(row.server.id) ?? [] }));
}

/** One server, or null. */
export async function findServer(ctx: Ctx, id: string): Promise<ListedServer | null> {
  const [[row], credentials] = await Promise.all([
    listed(ctx).where(eq(governanceMcpServers.id, id)),
    ctx.db.select().from(governanceMcpCredentials).where(eq(governanceMcpCredentials.serverId, id)).orderBy(asc(governanceMcpCredentials.seq)),
  ]);
  return row ? { ...row, credentials } : null;
}

export const insertServer = (ctx: Ctx, server: NewServer) => ctx.db.insert(governanceMcpServers).values(server);

/** Updates the server as it was read, or hits no row. */
export const updateServerRow = (ctx: Ctx, { id, version }: Server, change: Partial<NewServer>) =>
  ctx.db
    .update(governanceMcpServers)
    .set({ ...change, version: version + 1 })
    .where(and(eq(governanceMcpServers.id, id), eq(governanceMcpServers.version, version)));

/** Deletes the server as it was read, or hits no row. */
export const deleteServerRow = (ctx: Ctx, { id, version }: Server) => ctx.db.delete(governanceMcpServers).where(and(eq(governanceMcpServers.id, id), eq(governanceMcpServers.version, version)));

/** Adds to the plan: the server has these credentials and no others, with new ids. */
export function replaceCredentials(ctx: Ctx, plan: Plan, serverId: string, credentials: readonly CredentialInput[]): void {
  plan.write(ctx.db.delete(governanceMcpCredentials).where(eq(governanceMcpCredentials.serverId, serverId)));
  if (credentials.length === 0) return;
  const now = ctx.clock.now();
  const rows = credentials.map((credential) => ({ ...credential, id: newId("mcr", now) }));
  const field = (name: keyof (typeof rows)[number]) => sql`json_extract(value, ${sql.raw(`'$.${name}'`)})`;
  plan.write(
    ctx.db
      .insert(governanceMcpCredentials)
      .select(sql`SELECT NULL, ${field("id")}, ${serverId}, ${field("displayName")}, ${field("brokeringMode")}, ${field("secretRef")}, ${now} FROM json_each(${JSON.stringify(rows)}) ORDER BY key`),
  );
}

export const insertCredential = (ctx: Ctx, credential: Omit<Credential, "seq">) => ctx.db.insert(governanceMcpCredentials).values(credential);

export const deleteCredentialRow = (ctx: Ctx, { id, serverId }: Credential) =>
  ctx.db.delete(governanceMcpCredentials).where(and(eq(governanceMcpCredentials.id, id), eq(governanceMcpCredentials.serverId, serverId)));
