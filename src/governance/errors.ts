import { AppError } from "../kernel/errors/app-error";
import type { ErrorCode } from "../kernel/errors/codes";

/** The names that failures have on this family's wire, and what each is in the kernel's vocabulary, which gives the status. */
const REASONS = {
  UNAUTHORIZED: "UNAUTHENTICATED",
  NO_TENANT: "FORBIDDEN",
  OVER_SCOPE: "FORBIDDEN",
  MCP_DENIED: "FORBIDDEN",
  TENANT_NOT_FOUND: "NOT_FOUND",
  POLICY_NOT_FOUND: "NOT_FOUND",
  CLUSTER_TENANT_NOT_FOUND: "NOT_FOUND",
  MCP_SERVER_NOT_FOUND: "NOT_FOUND",
  MCP_CREDENTIAL_NOT_FOUND: "NOT_FOUND",
  MCP_SESSION_NOT_FOUND: "NOT_FOUND",
  GROUP_NOT_FOUND: "NOT_FOUND",
  SKILL_BUNDLE_NOT_FOUND: "NOT_FOUND",
  THIRD_PARTY_SOURCE_NOT_FOUND: "NOT_FOUND",
  SOURCE_ITEM_NOT_FOUND: "NOT_FOUND",
  SOURCE_NOT_APPROVED: "CONFLICT",
  SOURCE_NOT_SYNCABLE: "CONFLICT",
  SOURCE_ITEM_GONE: "CONFLICT",
  TOKEN_NOT_FOUND: "NOT_FOUND",
  SECRET_NOT_FOUND: "NOT_FOUND",
  PROVIDER_KEY_NOT_FOUND: "NOT_FOUND",
  MODEL_KEY_NOT_FOUND: "NOT_FOUND",
  RESERVATION_NOT_FOUND: "NOT_FOUND",
  RESERVATION_MISMATCH: "CONFLICT",
  RESERVATION_SETTLED: "CONFLICT",
  RESERVATION_CLOSED: "CONFLICT",
  AMBIGUOUS_TENANT: "CONFLICT",
  POD_NOT_READY: "CONFLICT",
  TENANT_SUSPENDED: "CONFLICT",
  MCP_SERVER_INACTIVE: "CONFLICT",
  OCI_STORE_NOT_CONFIGURED: "CONFLICT",
  EXPIRED: "GONE",
  TIER_UNAVAILABLE: "UNPROCESSABLE",
  MCP_NOT_BROKERED: "UNPROCESSABLE",
  SCAN_REQUIRED: "UNPROCESSABLE",
  SCAN_FAILED: "UNPROCESSABLE",
  ITEM_NOT_INSTALLABLE: "UNPROCESSABLE",
  DNS_PROVIDER_MISCONFIGURED: "UNPROCESSABLE",
  BUDGET_EXCEEDED: "RATE_LIMITED",
  NOT_CONFIGURED: "DEPENDENCY_UNAVAILABLE",
  UPSTREAM_ERROR: "BAD_GATEWAY",
  TIMEOUT: "GATEWAY_TIMEOUT",
} as const satisfies Readonly<Record<string, ErrorCode>>;

export type Reason = keyof typeof REASONS;

interface RefusalOptions {
  /** More than the sentence; a string on the wire. */
  readonly detail?: string;
  /** Extra top-level fields of the body. */
  readonly extras?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A failure under its name on this family's wire. */
export function refusal(reason: Reason, text: string, { detail, extras, ...rest }: RefusalOptions = {}): AppError {
  return new AppError(REASONS[reason], text, { reason, extras: { ...extras, ...(detail === undefined ? {} : { detail }) }, ...rest });
}
