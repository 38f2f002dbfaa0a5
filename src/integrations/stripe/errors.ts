import { Stripe } from "stripe";
import { AppError } from "../../kernel/errors/app-error";

const SLUG = /^[a-z0-9_]{1,64}$/;
const PARAMETER = /^[a-z0-9_[\].]{1,120}$/;
const REQUEST_ID = /^req_[A-Za-z0-9]{1,64}$/;
const MAX_WAIT_SECONDS = 3_600;

/** What Stripe says no to, without its words: they may repeat addresses and parts of our key. */
export interface Refusal {
  /** Its slug, such as `resource_missing`; empty when it gives none. */
  readonly code: string;
  /** The parameter at fault, such as `items[0][price]`; empty when it names none. */
  readonly parameter: string;
  /** A card was declined, or its owner must confirm: why. Null when it is about something else. */
  readonly payment: { readonly reason: string | null } | null;
  /** For methods that have no place for it. */
  readonly unexpected: AppError;
}

/** A refusal that may be a matter of business (400, 402, 404); null for every other failure. */
export function readRefusal(name: string, error: unknown): Refusal | null {
  const { StripeCardError, StripeInvalidRequestError } = Stripe.errors;
  if (!(error instanceof StripeInvalidRequestError) && !(error instanceof StripeCardError)) return null;
  const code = match(SLUG, error.code);
  return {
    code,
    parameter: match(PARAMETER, error.param),
    payment: error instanceof StripeCardError ? { reason: match(SLUG, error.decline_code) || code || null } : null,
    unexpected: new AppError("BAD_GATEWAY", "The payment provider refuses a request of this service; its operator must look into it.", { extras: PROVIDER, cause: causeOf(name, error) }),
  };
}

/** What every other failure is to callers. What is no failure of a call comes back as it is. */
export function toAppError(name: string, error: unknown): unknown {
  const { StripeError, StripeAuthenticationError, StripeIdempotencyError, StripePermissionError } = Stripe.errors;
  if (!(error instanceof StripeError)) return error;
  const options = { extras: PROVIDER, cause: causeOf(name, error) };
  if (error instanceof StripeAuthenticationError || error instanceof StripePermissionError) {
    return new AppError("BAD_GATEWAY", "The payment provider refuses this service's own key; its operator must check it.", options);
  }
  if (error instanceof StripeIdempotencyError) return new AppError("IDEMPOTENCY_CONFLICT", "The same idempotency key was used for another payment request before.", options);
  const retryAfterSeconds = readWait(error.headers?.["retry-after"]);
  return new AppError("DEPENDENCY_UNAVAILABLE", "The payment provider does not answer as it should; try again later.", { ...options, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}

/** For a success without what it must carry. */
export const garbled = (field: string): AppError =>
  new AppError("DEPENDENCY_UNAVAILABLE", "The payment provider does not answer as it should; try again later.", { extras: PROVIDER, cause: new Error(`Stripe: \`${field}\` of an answer is missing or of another kind`) });

const PROVIDER = { provider: "stripe" };

function causeOf(name: string, error: InstanceType<typeof Stripe.errors.StripeError>): Error {
  const parts = [error.statusCode ?? "nothing", match(SLUG, error.rawType), match(SLUG, error.code), match(PARAMETER, error.param), match(REQUEST_ID, error.requestId)];
  return new Error(`Stripe: ${name} answered ${parts.filter((part) => part !== "").join(" ")}`);
}

/** Their word, as long as it looks like one: it goes to logs. */
const match = (pattern: RegExp, text: string | undefined): string => (text !== undefined && pattern.test(text) ? text : "");

function readWait(text: string | undefined): number | undefined {
  const seconds = Number(text ?? "");
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), MAX_WAIT_SECONDS) : undefined;
}
