import { afterEach, expect } from "vitest";
import { createPayments } from "../../../src/integrations/stripe/stripe";
import type { StripeConfig } from "../../../src/kernel/config";
import { AppError } from "../../../src/kernel/errors/app-error";
import type { Payments } from "../../../src/kernel/ports/payments";
import { createStripeDouble } from "./double.mjs";
import { serveStripe } from "./serve.mjs";

/** A shop for the tests of our client: an account of the double with three prices, and the real client of it. */

export const DAY_MS = 86_400_000;
export const EMAIL = "ada@example.org";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

type Double = ReturnType<typeof createStripeDouble>;
export interface Shop {
  readonly double: Double;
  readonly payments: Payments;
  readonly config: StripeConfig;
}

/** Serves a handler until the test ends. */
export async function serve(handler: (request: Request) => Promise<Response>): Promise<string> {
  const { origin, close } = await serveStripe({ fetch: handler });
  closers.push(close);
  return origin;
}

export async function openShop(overrides: Partial<StripeConfig> = {}, options: Parameters<typeof createStripeDouble>[0] = {}): Promise<Shop> {
  const double = createStripeDouble(options);
  double.addPrice({ id: "price_basic", amount: 1_000 });
  double.addPrice({ id: "price_pro", amount: 3_000 });
  double.addPrice({ id: "price_pro_year", amount: 30_000, interval: "year" });
  const config = { secretKey: double.secretKey, webhookSecret: double.webhookSecret, apiBase: await serve(double.fetch), sandbox: true, portalConfiguration: null, ...overrides };
  return { double, payments: createPayments(config), config };
}

let keys = 0;
/** A new intent. */
export const newKey = (): string => `test:${++keys}`;
export const newCustomer = (payments: Payments): Promise<string> => payments.ensureCustomer({ userId: 7, email: EMAIL, known: null, idempotencyKey: newKey() });
export const cart = (customerId: string, more: Partial<Parameters<Payments["createCheckout"]>[0]> = {}): Parameters<Payments["createCheckout"]>[0] => ({
  customerId,
  priceId: "price_basic",
  userId: 7,
  successUrl: "https://sett.example.org/ok?a=1&b=2",
  cancelUrl: "https://sett.example.org/no",
  metadata: { kind: "plan" },
  idempotencyKey: newKey(),
  ...more,
});

/** A customer with a paid subscription to price_basic. */
export async function subscribe({ double, payments }: Shop): Promise<{ customerId: string; subscriptionId: string }> {
  const customerId = await newCustomer(payments);
  const checkout = await payments.createCheckout(cart(customerId));
  if (checkout.kind !== "created") throw new Error(checkout.kind);
  const paid = double.complete(checkout.id);
  if (paid.kind !== "completed") throw new Error(paid.kind);
  return { customerId, subscriptionId: paid.subscriptionId };
}

/** Schedules price_pro, which must go well; answers the schedule's id. */
export async function schedulePro({ payments }: Shop, subscriptionId: string): Promise<string> {
  const done = await payments.scheduleChange({ subscriptionId, priceId: "price_pro", interval: "month" });
  if (done.kind !== "scheduled") throw new Error(done.kind);
  return done.schedule.id;
}

/** The AppError that `work` ends with; it must tell no secret, wherever it goes. */
export async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (!(error instanceof AppError)) throw new Error(`no AppError: ${String(error)}`);
  expect(`${error.message} ${JSON.stringify(error.extras)} ${String(error.cause)}`).not.toMatch(/sk_|rk_|whsec_|example\.org/);
  expect(error.extras).toEqual({ provider: "stripe" });
  return error;
}
