import { exports } from "cloudflare:workers";
import createClient from "openapi-fetch";
import { expect } from "vitest";
import { BASE_URL, uniqueIp } from "./client";
import { expectPromised } from "./promises";

/** What the published command line client `oc` sends, and what it reads of the answers: the library that it uses, its paths, bodies and fields. */

type Method = "GET" | "POST" | "PUT" | "DELETE";
type Body = Readonly<Record<string, unknown>>;

interface Command {
  readonly method: Method;
  readonly path: string;
  /** Fields that it prints: of each row, where the answer is a list; `a[].b` of each row below `a`. */
  readonly reads: readonly string[];
  readonly isList?: boolean;
}

/** Every leaf command that calls the API. */
export const OC_COMMANDS = {
  "platform dns show": { method: "GET", path: "/platform/dns", reads: ["configured", "issuerName", "issuerKind", "issuerNamespace", "provider", "email", "server"] },
  "platform dns set": { method: "PUT", path: "/platform/dns", reads: [] },
  "awareness rollout show": { method: "GET", path: "/awareness/rollout", reads: ["targetVersion", "stableVersion", "promotedWaves", "nextWave", "shadowMode"] },
  "awareness rollout set": { method: "PUT", path: "/awareness/rollout", reads: [] },
  "awareness rollout promote": { method: "POST", path: "/awareness/rollout/promote", reads: [] },
  "awareness rollout rollback": { method: "POST", path: "/awareness/rollout/rollback", reads: [] },
  "awareness rollout resolve": { method: "GET", path: "/awareness/rollout/resolve/{tenant}", reads: ["tenant", "version", "promoted", "shadow", "wave"] },
  "awareness participation": { method: "GET", path: "/awareness/participation", reads: ["tenants[].tenant", "tenants[].participating", "tenants[].drifted", "tenants[].policyViolations", "tenants[].severity", "tenants[].runningContractVersion", "tenants[].expectedContractVersion"] },
  "sessions scope show": { method: "GET", path: "/sessions/{sessionKey}/scope", reads: ["sessionKey", "principal", "scopes"] },
  "sessions scope set": { method: "PUT", path: "/sessions/{sessionKey}/scope", reads: [] },
  "sessions scope clear": { method: "DELETE", path: "/sessions/{sessionKey}/scope", reads: [] },
  "tenants list": { method: "GET", path: "/tenants", reads: ["name", "phase", "email", "team", "createdAt"], isList: true },
  "tenants create": { method: "POST", path: "/tenants", reads: [] },
  "tenants drift": { method: "GET", path: "/tenants/drift", reads: [] },
  "tenants repair": { method: "POST", path: "/tenants/repair", reads: [] },
  "tenants get": { method: "GET", path: "/tenants/{name}", reads: [] },
  "tenants update": { method: "PUT", path: "/tenants/{name}", reads: [] },
  "tenants delete": { method: "DELETE", path: "/tenants/{name}", reads: [] },
  "tenants suspend": { method: "POST", path: "/tenants/{name}/suspend", reads: [] },
  "tenants resume": { method: "POST", path: "/tenants/{name}/resume", reads: [] },
  "tenants datasets": { method: "GET", path: "/tenants/{name}/datasets", reads: [] },
  "tenants contract": { method: "GET", path: "/tenants/{name}/effective-contract", reads: [] },
  "policies list": { method: "GET", path: "/policies", reads: ["name", "description", "createdAt"], isList: true },
  "policies create": { method: "POST", path: "/policies", reads: [] },
  "policies drift": { method: "GET", path: "/policies/drift", reads: [] },
  "policies repair": { method: "POST", path: "/policies/repair", reads: [] },
  "policies get": { method: "GET", path: "/policies/{name}", reads: [] },
  "policies update": { method: "PUT", path: "/policies/{name}", reads: [] },
  "policies delete": { method: "DELETE", path: "/policies/{name}", reads: [] },
  "cluster-tenant list": { method: "GET", path: "/cluster-tenants", reads: ["name", "displayName", "isolationTier", "compute", "resources", "status"], isList: true },
  "cluster-tenant create": { method: "POST", path: "/cluster-tenants", reads: [] },
  "cluster-tenant show": { method: "GET", path: "/cluster-tenants/{name}", reads: [] },
  "cluster-tenant update": { method: "PUT", path: "/cluster-tenants/{name}", reads: [] },
  "cluster-tenant delete": { method: "DELETE", path: "/cluster-tenants/{name}", reads: [] },
  "cluster-tenant status": { method: "GET", path: "/cluster-tenants/{name}/status", reads: [] },
  "mcp list": { method: "GET", path: "/mcp-servers", reads: ["id", "name", "transport", "endpoint"], isList: true },
  "mcp create": { method: "POST", path: "/mcp-servers", reads: [] },
  "mcp get": { method: "GET", path: "/mcp-servers/{id}", reads: [] },
  "mcp update": { method: "PUT", path: "/mcp-servers/{id}", reads: [] },
  "mcp delete": { method: "DELETE", path: "/mcp-servers/{id}", reads: [] },
  "mcp cred list": { method: "GET", path: "/mcp-servers/{id}/credentials", reads: ["id", "displayName", "brokeringMode", "secretRef"], isList: true },
  "mcp cred add": { method: "POST", path: "/mcp-servers/{id}/credentials", reads: [] },
  "mcp cred rm": { method: "DELETE", path: "/mcp-servers/{id}/credentials/{credentialId}", reads: [] },
  "skills list": { method: "GET", path: "/skills/catalog", reads: ["id", "name", "scope", "status", "version", "digest"], isList: true },
  "skills create": { method: "POST", path: "/skills/catalog", reads: [] },
  "skills backfill": { method: "POST", path: "/skills/catalog/backfill", reads: [] },
  "skills get": { method: "GET", path: "/skills/catalog/{id}", reads: [] },
  "skills update": { method: "PUT", path: "/skills/catalog/{id}", reads: [] },
  "skills delete": { method: "DELETE", path: "/skills/catalog/{id}", reads: [] },
  "tokens list": { method: "GET", path: "/access-tokens", reads: ["id", "name", "owner", "createdAt"], isList: true },
  "tokens create": { method: "POST", path: "/access-tokens", reads: ["id", "plainTextToken"] },
  "tokens revoke": { method: "DELETE", path: "/access-tokens/{id}", reads: [] },
  "providers list": { method: "GET", path: "/providers/keys", reads: ["provider", "configured"], isList: true },
  "providers set": { method: "PUT", path: "/providers/keys/{provider}", reads: [] },
  "providers delete": { method: "DELETE", path: "/providers/keys/{provider}", reads: [] },
  "budget global": { method: "GET", path: "/ai-budget/global", reads: [] },
  "budget set-global": { method: "PUT", path: "/ai-budget/global", reads: [] },
  "budget accounts": { method: "GET", path: "/ai-budget/accounts", reads: [], isList: true },
  "budget set-account": { method: "PUT", path: "/ai-budget/accounts/{userId}", reads: [] },
  "budget remove-account": { method: "DELETE", path: "/ai-budget/accounts/{userId}", reads: [] },
  "budget spend": { method: "GET", path: "/ai-budget/{tenantName}/spend", reads: [] },
  "budget key": { method: "GET", path: "/ai-budget/{tenantName}/litellm-key", reads: [] },
  "budget revoke-key": { method: "POST", path: "/ai-budget/{tenantName}/litellm-key/revoke", reads: [] },
  "audit list": { method: "GET", path: "/audit", reads: ["data[].timestamp", "data[].action", "data[].resource", "data[].message", "pagination.hasMore"] },
  "metrics server": { method: "GET", path: "/metrics/server", reads: ["cpuPercent", "memoryUsedBytes", "memoryTotalBytes", "activeTenants", "sampledAt"] },
  "metrics drift": { method: "GET", path: "/metrics/projection-drift", reads: [] },
  "auth me": { method: "GET", path: "/auth/me", reads: ["mode", "authenticated"] },
  "auth logout": { method: "POST", path: "/auth/logout", reads: [] },
  "auth login": { method: "POST", path: "/auth/device", reads: ["deviceCode", "userCode", "verificationUri"] },
  "auth login: poll": { method: "GET", path: "/auth/device/token", reads: ["status"] },
} as const satisfies Readonly<Record<string, Command>>;

export type OcCommand = keyof typeof OC_COMMANDS;

interface Arguments {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: Body;
}

const worker = (exports as unknown as { default: { fetch(request: Request): Promise<Response> } }).default;

/** The client, and which of its commands were used. */
export function createOc(token: string) {
  const used = new Set<OcCommand>();
  const client = createClient<never>({
    baseUrl: `${BASE_URL}/api/v1`,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "cf-connecting-ip": uniqueIp() },
    fetch: async (request: Request) => {
      const response = await worker.fetch(request.clone());
      await expectPromised(request, response);
      return response;
    },
  }) as unknown as { request(method: string, path: string, init: unknown): Promise<{ data?: unknown; error?: { error?: unknown; code?: unknown }; response: Response }> };

  /** Runs a command; fails the test when it would end with exit code 1, or print `undefined`. */
  async function oc<T = Body>(name: OcCommand, { path = {}, query, body }: Arguments = {}): Promise<T> {
    const command: Command = OC_COMMANDS[name];
    used.add(name);
    const { data, error, response } = await client.request(command.method.toLowerCase(), command.path, { params: { path, query }, ...(body === undefined ? {} : { body }) });
    expect(error, `oc ${name}: ${JSON.stringify(error)}`).toBeUndefined();
    expect(response.ok, name).toBe(true);
    if (command.isList) expect(Array.isArray(data), `oc ${name} needs a bare list`).toBe(true);
    for (const row of command.isList ? (data as unknown[]) : [data]) for (const field of command.reads) expect(readField(row, field), `oc ${name} prints ${field}`).not.toContain(undefined);
    return data as T;
  }

  /** Runs a command that must fail, with what the client prints: `error` and `[code]`. */
  async function ocRefused(name: OcCommand, { path = {}, query, body }: Arguments = {}): Promise<{ readonly status: number; readonly code: string }> {
    const command: Command = OC_COMMANDS[name];
    const { error, response } = await client.request(command.method.toLowerCase(), command.path, { params: { path, query }, ...(body === undefined ? {} : { body }) });
    expect(typeof error?.error, `oc ${name}`).toBe("string");
    expect(typeof error?.code, `oc ${name}`).toBe("string");
    return { status: response.status, code: String(error?.code) };
  }
  return { oc, ocRefused, used };
}

/** Values of `a.b` or `rows[].b`. */
function readField(value: unknown, field: string): readonly unknown[] {
  const [rows, rest] = field.split("[].");
  if (rest !== undefined) return ((value as Record<string, unknown[]>)[rows ?? ""] ?? [undefined]).flatMap((row) => readField(row, rest));
  return [field.split(".").reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], value)];
}
