import { STATUS_BY_CODE, type ErrorCode } from "./codes";

/** One invalid field: where it stands, what is wrong, and a stable slug. */
export interface FieldIssue {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

interface AppErrorOptions {
  /** A family's own, finer name for the failure, where its wire has one. */
  readonly reason?: string;
  /** Extra top-level fields of the wire body (never secrets). */
  readonly extras?: Readonly<Record<string, unknown>>;
  /** Fields at fault; turns the body into the family's validation shape. */
  readonly issues?: readonly FieldIssue[];
  /** Seconds until a retry makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A failure we mean to tell the caller about. Everything else becomes INTERNAL with a request id and no text. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly reason: string | undefined;
  readonly extras: Readonly<Record<string, unknown>>;
  readonly issues: readonly FieldIssue[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, detail: string, options: AppErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.reason = options.reason;
    this.extras = options.extras ?? {};
    this.issues = options.issues;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return STATUS_BY_CODE[this.code];
  }
}

/** A 422 that names the one field at fault. */
export function invalidField(loc: readonly (string | number)[], msg: string, type = "value_error"): AppError {
  return new AppError("VALIDATION_ERROR", "The request is invalid.", { issues: [{ loc, msg, type }] });
}

/** A machine of a suspended tenant is given no work. */
export function tenantSuspended(tenant: string): AppError {
  return new AppError("TENANT_SUSPENDED", `The tenant ${tenant} that governs this machine is suspended; the machine takes commands again when it is resumed.`, { extras: { tenant } });
}

/** The same answer for "not there" and "not yours", so that ids cannot be probed. */
export function notFound(noun: string): AppError {
  return new AppError("NOT_FOUND", `${noun} not found.`);
}
