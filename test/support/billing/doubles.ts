import type { Stripe } from "stripe";
import type { createAppStoreDouble } from "../apple/app-store.mjs";
import type { createStripeDouble } from "../stripe/double.mjs";
import type { Fault, RecordedCall } from "../stripe/faults.mjs";

/** The doubles of the project `billing`, which live in Node: each call goes there and back as JSON. */

type StripeDouble = ReturnType<typeof createStripeDouble>;
type AppleDouble = Awaited<ReturnType<typeof createAppStoreDouble>>;
type Remote<T, K extends keyof T> = { readonly [N in K]: T[N] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never };

interface Kept {
  readonly customers: Stripe.Customer;
  readonly subscriptions: Stripe.Subscription;
  readonly schedules: Stripe.SubscriptionSchedule;
  readonly invoices: Stripe.Invoice;
  readonly sessions: Stripe.Checkout.Session;
}

interface StripeControl {
  /** An empty account, with the time of the real clock. */
  reset(): Promise<void>;
  /** Adds faults; `match` is the source of a regular expression tried on `METHOD /path`. */
  arm(...faults: readonly (Omit<Fault, "match"> & { readonly match?: string })[]): Promise<void>;
  /** Calls of the product since the last clear. */
  calls(): Promise<readonly RecordedCall[]>;
  /** Disarms everything and forgets the calls. */
  clear(): Promise<void>;
  list<K extends keyof Kept>(kind: K): Promise<readonly Kept[K][]>;
}

interface AppleControl {
  answerNext(...answers: readonly { readonly status: number; readonly body: unknown }[]): Promise<void>;
  calls(): Promise<readonly { readonly method: string; readonly path: string; readonly body: string }[]>;
}

async function call(double: string, method: string, args: readonly unknown[]): Promise<unknown> {
  const response = await fetch(`http://doubles.test/${double}/${method}`, { method: "POST", body: JSON.stringify(args) });
  if (!response.ok) throw new Error(`${double}.${method}: ${await response.text()}`);
  return response.json();
}

// The proxy has every method that its type names, and the double checks what it is given.
const remote = <T>(double: string): T => new Proxy({}, { get: (_, method) => (method === "then" ? undefined : (...args: readonly unknown[]) => call(double, String(method), args)) }) as T;

export const stripe = remote<
  StripeControl &
    Remote<StripeDouble, "addPrice" | "archivePrice" | "setCard" | "deleteCustomer" | "configurePortal" | "complete" | "subscribe" | "cancelInPortal" | "end" | "release" | "pay" | "void" | "refund" | "advance" | "now" | "takeEvents" | "sign">
>("stripe");

export const apple = remote<AppleControl & Remote<AppleDouble, "buy" | "change" | "receipt" | "signTransaction" | "signRenewal" | "notification">>("apple");
