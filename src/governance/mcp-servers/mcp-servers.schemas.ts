import { z } from "zod";
import { iso, utcIso } from "../../kernel/clock";
import { GRANT_SCOPES, GrantBody, GrantScopeInput, GrantView, MAX_GRANTS, toGrantView, type Grant } from "../grants";
import { SecretName } from "../secrets";
import { BROKERING_MODES, isBrokered, MAX_ENDPOINT_LENGTH, SERVER_STATUSES, TRANSPORTS } from "./mcp-servers.core";
import type { Credential, ListedServer } from "./mcp-servers.store";

export const MAX_CREDENTIALS = 20;
const MAX_CAPABILITIES = 200;

const Name = z.string().trim().min(1).max(120);
const Description = z.string().trim().max(2_000).nullable();
const Id = z.string().trim().min(1).max(64);

/** A blank reference is none. */
const Reference = z
  .union([z.string().trim().length(0), SecretName])
  .nullish()
  .transform((name) => name || null);

/** Who may hold which reference is the verb's rule: an unknown server comes first. */
export const CredentialBody = z.object({ displayName: Name, brokeringMode: z.enum(BROKERING_MODES).default("static"), secretRef: Reference }).meta({ id: "McpCredentialRequest" });

const Time = z
  .string()
  .max(40)
  .refine((text) => utcIso(text) !== null, "Must be a time in ISO 8601")
  .transform((text) => Date.parse(utcIso(text) ?? text));

const serverFields = {
  name: Name,
  endpoint: z.string().trim().min(1).max(MAX_ENDPOINT_LENGTH),
  description: Description.optional(),
  capabilities: z.array(z.string().trim().min(1).max(120)).max(MAX_CAPABILITIES).optional(),
  sourceId: Id.nullish(),
  lastSyncedAt: Time.nullish(),
  grants: z.array(GrantBody).max(MAX_GRANTS).default([]),
  credentials: z.array(CredentialBody).max(MAX_CREDENTIALS).default([]),
};

export const CreateServerBody = z
  .object({ ...serverFields, transport: z.enum(TRANSPORTS).default("streamable-http"), scope: GrantScopeInput.default("org"), status: z.enum(SERVER_STATUSES).default("draft") })
  .meta({ id: "CreateMcpServerRequest" });

/** What is absent stays, except grants and credentials: they are always written anew, so that absent means none. */
export const UpdateServerBody = z
  .object({ ...serverFields, name: Name.optional(), endpoint: serverFields.endpoint.optional(), transport: z.enum(TRANSPORTS).optional(), scope: GrantScopeInput.optional(), status: z.enum(SERVER_STATUSES).optional() })
  .meta({ id: "UpdateMcpServerRequest" });

export const ServerRef = z.object({ id: Id });
export const CredentialRef = z.object({ id: Id, credentialId: Id });

export const CredentialView = z
  .object({
    id: z.string(),
    displayName: z.string(),
    brokeringMode: z.enum(BROKERING_MODES),
    secretRef: z.string().nullable(),
    /** Whether a secret of that name is kept; absent where none is named. */
    secretExists: z.boolean().optional(),
  })
  .meta({ id: "McpCredential" });

export const CredentialListView = z.array(CredentialView).meta({ id: "McpCredentialList" });

export const ServerView = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    endpoint: z.string(),
    scope: z.enum(GRANT_SCOPES),
    transport: z.enum(TRANSPORTS),
    status: z.enum(SERVER_STATUSES),
    capabilities: z.array(z.string()),
    grants: z.array(GrantView),
    credentials: z.array(CredentialView),
    sourceId: z.string().optional(),
    sourceName: z.string().optional(),
    lastSyncedAt: z.iso.datetime().optional(),
    /** Where tenants reach it with our credentials; absent where the broker cannot carry its transport. */
    brokerUrl: z.string().optional(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "McpServer" });

export const ServerListView = z.array(ServerView).meta({ id: "McpServerList" });

export const DeletedServerView = z.object({ id: z.string(), status: z.literal("deleted") }).meta({ id: "DeletedMcpServer" });
export const DeletedCredentialView = z.object({ id: z.string(), status: z.literal("deleted") }).meta({ id: "DeletedMcpCredential" });

export const toCredentialView = (credential: Credential, secrets: ReadonlySet<string>): z.input<typeof CredentialView> => ({
  id: credential.id,
  displayName: credential.displayName,
  brokeringMode: credential.brokeringMode,
  secretRef: credential.secretRef,
  ...(credential.secretRef === null ? {} : { secretExists: secrets.has(credential.secretRef) }),
});

interface Around {
  readonly grants: readonly Grant[];
  /** Names that have a secret. */
  readonly secrets: ReadonlySet<string>;
  /** Origin of the broker. */
  readonly origin: string;
}

export const toServerView = ({ server, sourceName, credentials }: ListedServer, { grants, secrets, origin }: Around): z.input<typeof ServerView> => ({
  id: server.id,
  name: server.name,
  description: server.description,
  endpoint: server.endpoint,
  scope: server.scope,
  transport: server.transport,
  status: server.status,
  capabilities: [...server.capabilities],
  grants: grants.map(toGrantView),
  credentials: credentials.map((credential) => toCredentialView(credential, secrets)),
  ...(server.sourceId === null ? {} : { sourceId: server.sourceId }),
  ...(sourceName === null ? {} : { sourceName }),
  ...(server.lastSyncedAt === null ? {} : { lastSyncedAt: iso(server.lastSyncedAt) }),
  ...(isBrokered(server.transport, server.endpoint) ? { brokerUrl: `${origin}/api/v1/mcp/${server.id}` } : {}),
  createdAt: iso(server.createdAt),
  updatedAt: iso(server.updatedAt),
});
