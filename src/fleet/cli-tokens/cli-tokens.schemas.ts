import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { LIFETIME_NAMES, statusOf } from "./cli-tokens.core";
import type { CliToken, CliTokenEvent } from "./cli-tokens.store";

export const MintCliTokenBody = z
  .object({
    name: z.string().trim().min(1).max(64),
    expires_in: z.enum(LIFETIME_NAMES).default("90d"),
    confirm_no_expiry: z.boolean().default(false),
  })
  .meta({ id: "MintTokenRequest" });

export const RotateCliTokenBody = z.object({}).meta({ id: "RotateTokenRequest" });

/** Any text: what is no id of a token is simply not found. */
export const CliTokenRef = z.object({ token_id: z.string() });

/** `true`, `1`, `false` or `0` on the wire; a boolean in the OpenAPI document. */
const Flag = z.stringbool().meta({ type: "boolean" });

export const ListCliTokensQuery = z.object({ active: Flag.optional() });

export const RevokeCliTokenQuery = z.object({ cascade: Flag.default(false) });

const Time = z.iso.datetime();

export const MintedCliTokenView = z
  .object({
    id: z.string(),
    name: z.string(),
    token: z.string(),
    token_prefix: z.string(),
    created_at: Time,
    expires_at: Time.nullable(),
    bound_instance_id: z.string().nullable(),
    scopes: z.array(z.string()),
    usage_note: z.string(),
  })
  .meta({ id: "MintTokenResponse" });

const tokenFields = {
  id: z.string(),
  name: z.string(),
  token_prefix: z.string(),
  created_at: Time,
  expires_at: Time.nullable(),
  revoked_at: Time.nullable(),
  bound_instance_id: z.string().nullable(),
  bound_at: Time.nullable(),
  last_used_at: Time.nullable(),
  last_used_ip: z.string().nullable(),
  use_count: z.int(),
  scopes: z.array(z.string()),
  status: z.string(),
};

export const CliTokenView = z.object(tokenFields).meta({ id: "TokenListItem" });

export const CliTokenListView = z.array(CliTokenView);

export const CliTokenEventView = z
  .object({
    id: z.int(),
    event_type: z.string(),
    event_detail: z.record(z.string(), z.unknown()),
    source_ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    instance_id: z.string().nullable(),
    occurred_at: Time,
  })
  .meta({ id: "AuditEventItem" });

export const CliTokenDetailView = z.object({ ...tokenFields, recent_audit: z.array(CliTokenEventView) }).meta({ id: "TokenIntrospectResponse" });

export const UnboundCliTokenView = z.object({ id: z.string(), bound_instance_id: z.string().nullable(), bound_at: Time.nullable() }).meta({ id: "UnbindTokenResponse" });

const USAGE_NOTE = "Shown only this once. Send it as `Authorization: Bearer <token>`; the first machine that uses it owns it.";

export const toMintedView = (row: CliToken, plaintext: string): z.input<typeof MintedCliTokenView> => ({
  id: row.id,
  name: row.name,
  token: plaintext,
  token_prefix: row.tokenPrefix,
  created_at: iso(row.createdAt),
  expires_at: isoOrNull(row.expiresAt),
  bound_instance_id: row.boundInstanceId,
  scopes: row.scopes,
  usage_note: USAGE_NOTE,
});

export const toCliTokenView = (row: CliToken, nowMs: number): z.input<typeof CliTokenView> => ({
  id: row.id,
  name: row.name,
  token_prefix: row.tokenPrefix,
  created_at: iso(row.createdAt),
  expires_at: isoOrNull(row.expiresAt),
  revoked_at: isoOrNull(row.revokedAt),
  bound_instance_id: row.boundInstanceId,
  bound_at: isoOrNull(row.boundAt),
  last_used_at: isoOrNull(row.lastUsedAt),
  last_used_ip: row.lastUsedIp,
  use_count: row.useCount,
  scopes: row.scopes,
  status: statusOf(row, nowMs),
});

export const toCliTokenEventView = (event: CliTokenEvent): z.input<typeof CliTokenEventView> => ({
  id: event.id,
  event_type: event.eventType,
  event_detail: event.eventDetail,
  source_ip: event.sourceIp,
  user_agent: event.userAgent,
  instance_id: event.instanceId,
  occurred_at: iso(event.occurredAt),
});
