import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readEnv, type Env } from "../../../src/env";
import { createAppStore } from "../../../src/integrations/apple/app-store";
import type { AppStoreConfig } from "../../../src/kernel/config";
import type { Purchase } from "../../../src/kernel/ports/app-store";
import { startAppStore } from "../../support/apple/serve.mjs";
import { testSecrets } from "../../support/secrets";

const DAY_MS = 86_400_000;
const PRODUCT = "pro.monthly";

let apple: Awaited<ReturnType<typeof startAppStore>>;
let errors: string[];
beforeAll(async () => {
  apple = await startAppStore();
});
afterEach(() => {
  apple.seen.length = 0;
  vi.restoreAllMocks();
});
afterAll(() => apple.close());

const environment = (changed: Record<string, string | undefined> = {}) => ({ ...testSecrets, ...apple.variables, ...changed }) as unknown as Env;
function config(mode: "receipts" | "server_api", changed: Partial<AppStoreConfig> = {}): AppStoreConfig {
  const { appStore } = readEnv(environment({ APPLE_MODE: mode }));
  if (!appStore) throw new Error("the App Store is configured");
  return { ...appStore, ...changed };
}
const store = (mode: "receipts" | "server_api" = "receipts", changed: Partial<AppStoreConfig> = {}) => createAppStore(config(mode, changed));
const subscriptionOf = (mode: "server_api", id: string, where?: "production" | "sandbox", changed: Partial<AppStoreConfig> = {}) => store(mode, changed).getSubscription?.(id, where);
const expected = (bought: ReturnType<typeof apple.buy>, changed: Partial<Purchase> = {}): Purchase => ({
  originalTransactionId: bought.originalTransactionId,
  productId: PRODUCT,
  bundleId: apple.bundleId,
  environment: "production",
  expiresAt: bought.expiresAt,
  isTrial: false,
  autoRenew: true,
  inBillingRetry: false,
  graceUntil: null,
  revokedAt: null,
  appAccountToken: null,
  ...changed,
});
/** An answer of verifyReceipt. */
const status = (number: unknown, more: object = {}) => Response.json({ status: number, ...more });
const hushErrors = () => {
  errors = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void errors.push(line));
};

describe("receipts", () => {
  it("tells what a receipt says about a product", async () => {
    const token = crypto.randomUUID();
    const bought = apple.buy({ isTrial: true, appAccountToken: token.toUpperCase() });
    expect(await store().readPurchase(apple.receipt(bought.originalTransactionId), PRODUCT)).toEqual({ kind: "ok", purchase: expected(bought, { isTrial: true, appAccountToken: token }) });
    expect(JSON.parse(apple.seen[0]?.body ?? "")).toEqual({ "receipt-data": apple.receipt(bought.originalTransactionId), password: apple.sharedSecret, "exclude-old-transactions": true });
  });

  it("asks production first, and the sandbox about what was bought there", async () => {
    const bought = apple.buy({ environment: "sandbox" });
    const receipt = apple.receipt(bought.originalTransactionId);
    expect(await store().readPurchase(`${receipt.slice(0, 20)}\r\n${receipt.slice(20)}\n`, PRODUCT)).toEqual({ kind: "ok", purchase: expected(bought, { environment: "sandbox" }) });
    expect(apple.seen.map(({ path }) => path)).toEqual(["/production/verifyReceipt", "/sandbox/verifyReceipt"]);
  });

  it("goes back to production when the sandbox says so, and not for ever", async () => {
    const bought = apple.buy();
    apple.answerNext(status(21_007), status(21_008));
    expect(await store().readPurchase(apple.receipt(bought.originalTransactionId), PRODUCT)).toMatchObject({ kind: "ok", purchase: { environment: "production" } });
    apple.answerNext(status(21_007), status(21_008), status(21_007));
    await expect(store().readPurchase("MIIT", PRODUCT)).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(apple.seen).toHaveLength(6);
  });

  it("believes in a sandbox when either side says so", async () => {
    const answer = { environment: "Sandbox", receipt: { bundle_id: apple.bundleId }, latest_receipt_info: [{ product_id: PRODUCT, original_transaction_id: "1" }] };
    apple.answerNext(status(0, answer));
    expect(await store().readPurchase("MIIT", PRODUCT)).toMatchObject({ purchase: { environment: "sandbox", expiresAt: null, autoRenew: null } });
    apple.answerNext(status(21_007), status(0, { ...answer, environment: undefined }));
    expect(await store().readPurchase("MIIT", PRODUCT)).toMatchObject({ purchase: { environment: "sandbox" } });
  });

  it("tells billing trouble, grace and an end that was chosen", async () => {
    const [expiresAt, graceUntil] = [Date.now() - DAY_MS, Date.now() + 5 * DAY_MS];
    const [retrying, ending] = [apple.buy({ expiresAt, graceUntil, inBillingRetry: true }), apple.buy({ autoRenew: false })];
    // Renewals of others stand on the same receipt.
    expect(await store().readPurchase(apple.receipt(apple.buy({ productId: "other" }).originalTransactionId, retrying.originalTransactionId), PRODUCT)).toEqual({ kind: "ok", purchase: expected(retrying, { inBillingRetry: true, graceUntil }) });
    expect(await store().readPurchase(apple.receipt(ending.originalTransactionId), PRODUCT)).toMatchObject({ purchase: { autoRenew: false } });
  });

  it("takes the longest transaction in force, and one taken back only when there is no other", async () => {
    const revokedAt = Date.now() - DAY_MS;
    const [refunded, short, long] = [apple.buy({ revokedAt, expiresAt: Date.now() + 90 * DAY_MS }), apple.buy({ expiresAt: Date.now() - DAY_MS }), apple.buy()].map((one) => one.originalTransactionId);
    expect(await store().readPurchase(apple.receipt(refunded ?? "", short ?? "", long ?? ""), PRODUCT)).toMatchObject({ purchase: { originalTransactionId: long, revokedAt: null } });
    expect(await store().readPurchase(apple.receipt(refunded ?? ""), PRODUCT)).toMatchObject({ kind: "ok", purchase: { originalTransactionId: refunded, revokedAt } });
  });

  it("finds no other product, and takes no other app's receipt", async () => {
    const [own, foreign] = [apple.buy({ productId: "other" }), apple.buy({ bundleId: "org.example.other" })];
    expect(await store().readPurchase(apple.receipt(own.originalTransactionId), PRODUCT)).toEqual({ kind: "no_such_product" });
    expect(await store().readPurchase(apple.receipt(foreign.originalTransactionId), PRODUCT)).toEqual({ kind: "wrong_app" });
  });

  it.each([21_002, 21_005, 21_009, 21_100, 21_150, 21_199, 21_000, 21_001, 99])("learns nothing from status %i", async (number) => {
    apple.answerNext(status(number));
    await expect(store().readPurchase("MIIT", PRODUCT)).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE", retryAfterSeconds: 30 });
  });

  it.each([
    [21_003, "not_authentic"],
    [21_006, "old_receipt"],
    [21_010, "account_not_found"],
  ])("takes a receipt with status %i for invalid", async (number, reason) => {
    apple.answerNext(status(number));
    expect(await store().readPurchase("MIIT", PRODUCT)).toEqual({ kind: "invalid", reason });
  });

  it.each(["", "not base64!", "MIIT.MIIT", "a.b.c", "MIITA", "====", "<xml>"])("asks nobody about %j", async (text) => {
    expect(await store().readPurchase(text, PRODUCT)).toEqual({ kind: "invalid", reason: "malformed" });
    expect(apple.seen).toEqual([]);
  });

  it("takes none without a shared secret", async () => {
    expect(await store("server_api", { sharedSecret: null }).readPurchase("MIIT", PRODUCT)).toEqual({ kind: "invalid", reason: "receipts_not_taken" });
  });

  it("says aloud that its secret is wrong, without saying it", async () => {
    hushErrors();
    const receipt = apple.receipt(apple.buy().originalTransactionId);
    const failure = await store("receipts", { sharedSecret: "a-wrong-secret" }).readPurchase(receipt, PRODUCT).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: "BAD_GATEWAY" });
    expect(errors.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: "error", event: "app_store.refused", setting: "APPLE_SHARED_SECRET" }]);
    const all = [...errors, String(failure), String((failure as Error).cause), JSON.stringify(failure)].join();
    for (const secret of ["a-wrong-secret", receipt]) expect(all).not.toContain(secret);
  });

  it.each([
    ["500", () => new Response("oops", { status: 500 })],
    ["a failure that looks like an answer", () => Response.json({ status: 21_003 }, { status: 502 })],
    ["a page", () => new Response("<html>maintenance</html>")],
    ["no status", () => Response.json({})],
    ["a status in words", () => status("0")],
    ["a redirect", () => new Response(null, { status: 307, headers: { location: `${apple.origin}/production/verifyReceipt` } })],
    ["no receipt", () => status(0)],
    ["no id", () => status(0, { receipt: { bundle_id: apple.bundleId }, latest_receipt_info: [{ product_id: PRODUCT }] })],
  ])("learns nothing from %s", async (_, answer) => {
    apple.answerNext(answer);
    await expect(store().readPurchase("MIIT", PRODUCT)).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(apple.seen).toHaveLength(1);
  });

  it("learns nothing from an Apple that is not there, and repeats nothing that was sent", async () => {
    const failure = await store("receipts", { receiptBaseUrl: "http://127.0.0.1:1" }).readPurchase("MIIT", PRODUCT).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(`${String(failure)} ${String((failure as Error).cause)}`).not.toContain(apple.sharedSecret);
  });
});

describe("signed transactions", () => {
  it("takes one by its signature alone while the Server API is not configured", async () => {
    const bought = apple.buy({ isTrial: true });
    expect(await store().readPurchase(` ${await apple.signTransaction(bought.originalTransactionId)}\n`, PRODUCT)).toEqual({ kind: "ok", purchase: expected(bought, { isTrial: true, autoRenew: null }), signedAt: expect.any(Number) as number });
    expect(apple.seen).toEqual([]);
    expect(store().getSubscription).toBeNull();
  });

  it("refuses what another authority signed, another app's, Xcode's, and another product", async () => {
    const id = apple.buy().originalTransactionId;
    const forger = await startAppStore();
    const forged = await forger.signTransaction(forger.buy().originalTransactionId);
    await forger.close();
    expect(await store().readPurchase(forged, PRODUCT)).toEqual({ kind: "invalid", reason: "untrusted_root" });
    expect(await store().readPurchase(await apple.signTransaction(id, Date.now(), { bundleId: "org.example.other" }), PRODUCT)).toEqual({ kind: "wrong_app" });
    expect(await store().readPurchase(await apple.signTransaction(id), "other")).toEqual({ kind: "no_such_product" });
    for (const where of ["Xcode", "LocalTesting", undefined]) {
      expect(await store().readPurchase(await apple.signTransaction(id, Date.now(), { environment: where }), PRODUCT)).toEqual({ kind: "invalid", reason: "environment" });
    }
    for (const field of ["originalTransactionId", "productId", "bundleId"]) {
      expect(await store().readPurchase(await apple.signTransaction(id, Date.now(), { [field]: 7 }), PRODUCT)).toEqual({ kind: "invalid", reason: "payload" });
    }
  });

  it("tells refunds and replacements", async () => {
    const [revokedAt, signedAt] = [Date.now() - DAY_MS, Date.now() - 1_000];
    const [refunded, replaced] = [apple.buy({ revokedAt }), apple.buy({ isUpgraded: true })];
    expect(await store().readPurchase(await apple.signTransaction(refunded.originalTransactionId), PRODUCT)).toMatchObject({ purchase: { revokedAt } });
    expect(await store().readPurchase(await apple.signTransaction(replaced.originalTransactionId, signedAt), PRODUCT)).toMatchObject({ purchase: { revokedAt: signedAt } });
  });

  it("asks the Server API what became of an old one", async () => {
    const bought = apple.buy({ environment: "sandbox" });
    const held = await apple.signTransaction(bought.originalTransactionId, Date.now() - DAY_MS);
    apple.change(bought.originalTransactionId, { expiresAt: 1_000, status: 2, autoRenew: false });
    expect(await store("server_api").readPurchase(held, PRODUCT)).toEqual({ kind: "ok", purchase: expected(bought, { environment: "sandbox", expiresAt: 1_000, autoRenew: false }) });
    apple.change(bought.originalTransactionId, { productId: "max.monthly", status: 1 });
    expect(await store("server_api").readPurchase(held, PRODUCT)).toEqual({ kind: "no_such_product" });
    apple.subscriptions.delete(bought.originalTransactionId);
    expect(await store("server_api").readPurchase(held, PRODUCT)).toEqual({ kind: "invalid", reason: "transaction_unknown" });
    apple.answerNext(new Response("oops", { status: 500 }));
    await expect(store("server_api").readPurchase(held, PRODUCT)).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
  });

  it("asks the Server API nothing about what is no subscription", async () => {
    const bought = apple.buy({ type: "Non-Consumable", expiresAt: null });
    expect(await store("server_api").readPurchase(await apple.signTransaction(bought.originalTransactionId), PRODUCT)).toMatchObject({ kind: "ok", purchase: { expiresAt: null } });
    expect(apple.seen).toEqual([]);
  });
});

describe("the App Store Server API", () => {
  const [past, later] = [Date.now() - DAY_MS, Date.now() + 5 * DAY_MS];
  it.each<[number, Partial<ReturnType<typeof apple.buy>>, Partial<Purchase>]>([
    [1, {}, {}],
    [2, { expiresAt: past, autoRenew: false, graceUntil: past }, { autoRenew: false, graceUntil: null }],
    [3, { expiresAt: past }, { inBillingRetry: true }],
    [4, { expiresAt: past, graceUntil: later }, { inBillingRetry: true, graceUntil: later }],
    [5, { revokedAt: past }, { revokedAt: past }],
  ])("reads a subscription of status %i", async (number, state, purchase) => {
    const bought = apple.buy({ status: number, ...state });
    expect(await subscriptionOf("server_api", bought.originalTransactionId)).toEqual(expected(bought, purchase));
  });

  it("knows a revoked one by its status alone", async () => {
    expect(await subscriptionOf("server_api", apple.buy({ status: 5 }).originalTransactionId)).toMatchObject({ revokedAt: expect.any(Number) });
  });

  it("asks where it was bought, else production and then the sandbox", async () => {
    const bought = apple.buy({ environment: "sandbox" });
    expect(await subscriptionOf("server_api", bought.originalTransactionId)).toMatchObject({ environment: "sandbox" });
    expect(await subscriptionOf("server_api", bought.originalTransactionId, "production")).toBeNull();
    expect(apple.seen.map(({ path }) => path.split("/")[1])).toEqual(["production", "sandbox", "production"]);
    for (const id of ["", "../x", "12a", "9".repeat(41)]) expect(await subscriptionOf("server_api", id)).toBeNull();
    expect(apple.seen).toHaveLength(3);
  });

  it("signs one token for many questions", async () => {
    const [id, client] = [apple.buy().originalTransactionId, store("server_api")];
    for (let i = 0; i < 2; i++) await client.getSubscription?.(id, "production");
    expect(apple.seen[0]?.headers.get("authorization")).toBe(apple.seen[1]?.headers.get("authorization"));
  });

  const api = (changed: object) => ({ serverApi: { ...(config("server_api").serverApi as NonNullable<AppStoreConfig["serverApi"]>), ...changed } });
  it("says aloud that its key is refused, without saying it", async () => {
    const id = apple.buy().originalTransactionId;
    for (const changed of [{ bundleId: "org.example.other" }, api({ issuerId: "other" }), api({ keyId: "OTHER" }), api({ privateKey: "bm8ga2V5" })]) {
      hushErrors();
      const failure = await subscriptionOf("server_api", id, "production", changed)?.catch((error: unknown) => error as Error);
      expect(failure).toMatchObject({ code: "BAD_GATEWAY" });
      expect(errors).toHaveLength(1);
      expect(`${errors.join()} ${String((failure as Error).cause)}`).not.toMatch(/bm8ga2V5|Bearer|eyJ/);
    }
  });

  it.each([
    ["500", () => Response.json({ errorCode: 5_000_000 }, { status: 500 })],
    ["a 404 of a proxy", () => new Response("gone", { status: 404 })],
    ["a retryable 404", () => Response.json({ errorCode: 4_040_002 }, { status: 404 })],
    ["a page", () => new Response("<html>")],
    ["a status unknown", () => Response.json({ data: [{ lastTransactions: [{ originalTransactionId: "77", status: 9, signedTransactionInfo: "x" }] }] })],
    ["signed data that is none", () => Response.json({ data: [{ lastTransactions: [{ originalTransactionId: "77", status: 1, signedTransactionInfo: "x" }] }] })],
    ["another's transaction", async () => Response.json({ data: [{ lastTransactions: [{ originalTransactionId: "77", status: 1, signedTransactionInfo: await apple.signTransaction(apple.buy().originalTransactionId) }] }] })],
  ])("learns nothing from %s", async (_, answer) => {
    apple.answerNext(answer);
    await expect(subscriptionOf("server_api", "77", "production")).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
  });

  it("waits as long as Apple asks, within reason", async () => {
    for (const [retryAfter, seconds] of [[String(Date.now() + 100_000_000), 3_600], ["1", 30], ["soon", 30]] as const) {
      apple.answerNext(Response.json({ errorCode: 4_290_000 }, { status: 429, headers: { "retry-after": retryAfter } }));
      await expect(subscriptionOf("server_api", "77", "production")).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE", retryAfterSeconds: seconds });
    }
  });

  it("knows that an account is gone", async () => {
    apple.answerNext(Response.json({ errorCode: 4_040_001 }, { status: 404 }), Response.json({ data: [] }));
    expect(await subscriptionOf("server_api", "77")).toBeNull();
  });
});

describe("configuration", () => {
  it("is off without an app", () => {
    expect(readEnv({ ...testSecrets } as unknown as Env).appStore).toBeNull();
  });

  it.each<[string, Record<string, string | undefined>]>([
    ["APPLE_BUNDLE_ID", { APPLE_BUNDLE_ID: undefined }],
    ["APPLE_SHARED_SECRET", { APPLE_SHARED_SECRET: undefined }],
    ["APPLE_MODE", { APPLE_MODE: "both" }],
    ["APPLE_ISSUER_ID", { APPLE_MODE: "server_api", APPLE_ISSUER_ID: undefined }],
    ["APPLE_STOREKIT_KEY_ID", { APPLE_MODE: "server_api", APPLE_STOREKIT_KEY_ID: undefined }],
    ["APPLE_STOREKIT_PRIVATE_KEY", { APPLE_MODE: "server_api", APPLE_STOREKIT_PRIVATE_KEY: undefined }],
    ["APPLE_ROOT_CA_SHA256", { APPLE_ROOT_CA_SHA256: "abc" }],
    ["APPLE_ROOT_CA_SHA256", { ENVIRONMENT: "production" }],
    ["APPLE_RECEIPT_BASE_URL", { ENVIRONMENT: "staging", APPLE_ROOT_CA_SHA256: undefined }],
  ])("names %s when it is wrong", (name, changed) => {
    expect(() => readEnv(environment(changed))).toThrow(expect.objectContaining({ code: "BAD_ENVIRONMENT", message: expect.stringContaining(name) }) as Error);
  });

  it("pins Apple's own root and asks Apple itself outside of tests", () => {
    const { appStore } = readEnv({ ...testSecrets, ENVIRONMENT: "production", APPLE_BUNDLE_ID: "org.example.app", APPLE_MODE: "server_api", APPLE_ISSUER_ID: "i", APPLE_TEAM_ID: "t", APPLE_KEY_ID: "k", APPLE_PRIVATE_KEY: "p" } as unknown as Env);
    expect(appStore).toEqual({
      bundleId: "org.example.app",
      sharedSecret: null,
      receiptBaseUrl: "https://buy.itunes.apple.com",
      receiptSandboxBaseUrl: "https://sandbox.itunes.apple.com",
      serverApi: { issuerId: "i", keyId: "k", privateKey: "p", baseUrl: "https://api.storekit.itunes.apple.com", sandboxBaseUrl: "https://api.storekit-sandbox.itunes.apple.com" },
      rootSha256: "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179",
    });
  });
});
