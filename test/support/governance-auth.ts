import { env } from "cloudflare:workers";
import type { Env } from "../../src/env";
import { readEnv } from "../../src/env";
import { sha256Hex } from "../../src/kernel/crypto/bytes";
import { issueTenantToken } from "../../src/governance/tenant-sessions/tenant-token";
import { uniqueName } from "./client";

const { DB } = env as unknown as { DB: D1Database };

/** Settings under which people can sign in with a browser; the provider does not exist. `keeper@example.org` is an operator. */
export const signInSettings = { OIDC_ISSUER_URL: "https://issuer.sett.test", OIDC_CLIENT_ID: "sett-tests", OIDC_ALLOWED_EMAILS: "keeper@example.org" } as const;

/** The test environment in which people can sign in; for `fetchUnder`. */
export const signInEnv = (settings: Readonly<Record<string, string>> = {}): Env => ({ ...(env as unknown as Env), ...signInSettings, ...settings });

interface SessionFacts {
  readonly email?: string | null;
  readonly emailVerified?: boolean;
  readonly subject?: string;
  readonly issuer?: string;
  readonly expiresAt?: number;
}

/** A browser session as a sign-in leaves it. @returns the `Cookie` header */
export async function insertSession({ email = "keeper@example.org", emailVerified = true, subject = uniqueName("person"), issuer = signInSettings.OIDC_ISSUER_URL, expiresAt = Date.now() + 3_600_000 }: SessionFacts = {}): Promise<string> {
  const value = crypto.randomUUID();
  await DB.prepare("INSERT INTO governance_sessions (id_hash, issuer, subject, email, email_verified, name, picture, created_at, expires_at) VALUES (?, ?, ?, ?, ?, 'Somebody', NULL, ?, ?)")
    .bind(await sha256Hex(value), issuer, subject, email, emailVerified ? 1 : 0, Date.now(), expiresAt)
    .run();
  return `opencrane_oidc=${value}`;
}

/** A session token of the tenant, as `POST /api/v1/auth/pod-token` gives one to its person. */
export async function tenantToken(name: string): Promise<string> {
  const tenant = await DB.prepare("SELECT t.born_revision AS born, coalesce(e.epoch, 0) AS epoch FROM governance_tenants t LEFT JOIN governance_token_epochs e ON e.tenant = t.name WHERE t.name = ?").bind(name).first<{ born: number; epoch: number }>();
  if (!tenant) throw new Error(`there is no tenant ${name}`);
  return (await issueTenantToken(readEnv(env as unknown as Env), { tenant: name, bornRevision: tenant.born, epoch: tenant.epoch, subject: "person-of-tests" }, Date.now())).token;
}
