import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createAppStore } from "../../../src/integrations/apple/app-store";
import { verifyChain } from "../../../src/integrations/apple/certificates";
import type { Env } from "../../../src/env";
import { createDb } from "../../../src/kernel/db/client";
import { createServices } from "../../../src/services";
import type { AppStoreConfig } from "../../../src/kernel/config";
import { createAppStoreDouble, type AppStoreDouble } from "../../support/apple/app-store.mjs";
import { createAuthority } from "../../support/apple/authority.mjs";
import { REAL_CHAIN, REAL_CHAIN_TIME } from "../../support/apple/real-chain.mjs";

/** What the runtime's own WebCrypto makes of Apple's keys and curves; every branch is tried in Node. */
const APPLE_ROOT_SHA256 = "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179";

let apple: AppStoreDouble;
let config: AppStoreConfig;
beforeAll(async () => {
  // As another process would have made it.
  const saved = JSON.parse(JSON.stringify(await (await createAuthority()).save())) as Awaited<ReturnType<Awaited<ReturnType<typeof createAuthority>>["save"]>>;
  apple = await createAppStoreDouble({ authority: await createAuthority({ saved }) });
  const [production, sandbox] = ["https://apple.test/production", "https://apple.test/sandbox"];
  const serverApi = { issuerId: apple.issuerId, keyId: apple.keyId, privateKey: apple.privateKey, baseUrl: production, sandboxBaseUrl: sandbox };
  config = { bundleId: apple.bundleId, sharedSecret: apple.sharedSecret, receiptBaseUrl: production, receiptSandboxBaseUrl: sandbox, serverApi, rootSha256: apple.authority.rootSha256 };
});
afterEach(() => vi.restoreAllMocks());

const reachApple = () => vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => apple.handle(new Request(input as string, init as RequestInit)));

describe("the App Store in workerd", () => {
  it("takes Apple's own chain of certificates, and none with a changed one", async () => {
    const chain = REAL_CHAIN.map((text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
    expect(await verifyChain(chain, APPLE_ROOT_SHA256, [REAL_CHAIN_TIME])).toMatchObject({ kind: "ok" });
    for (const at of chain.keys()) {
      const changed = chain.map((der, index) => (index === at ? der.with(der.length - 1, (der.at(-1) ?? 0) ^ 1) : der));
      expect(await verifyChain(changed, APPLE_ROOT_SHA256, [REAL_CHAIN_TIME]), String(at)).toMatchObject({ kind: "invalid" });
    }
  });

  it("reads signed transactions, and refuses forged ones", async () => {
    const { originalTransactionId: id } = apple.buy();
    const store = createAppStore({ ...config, serverApi: null });
    expect(await store.readPurchase(await apple.signTransaction(id), "pro.monthly")).toMatchObject({ kind: "ok", purchase: { originalTransactionId: id } });
    const forger = await createAuthority();
    const payload = { originalTransactionId: id, productId: "pro.monthly", bundleId: apple.bundleId, environment: "Production", signedDate: Date.now() };
    expect(await store.readPurchase(await forger.sign(payload), "pro.monthly")).toEqual({ kind: "invalid", reason: "untrusted_root" });
    expect(await store.readPurchase(await forger.sign(payload, { x5c: [...forger.x5c.slice(0, 2), apple.authority.x5c[2] ?? ""] }), "pro.monthly")).toEqual({ kind: "invalid", reason: "chain" });
    expect(await store.readPurchase(await forger.sign(payload, { x5c: apple.authority.x5c }), "pro.monthly")).toEqual({ kind: "invalid", reason: "signature" });
  });

  it("reads notifications", async () => {
    const { originalTransactionId: id } = apple.buy({ environment: "sandbox" });
    expect(await createAppStore(config).readNotification(await apple.notification(id, { type: "DID_RENEW" }))).toMatchObject({ kind: "ok", notification: { type: "DID_RENEW", purchase: { originalTransactionId: id, environment: "sandbox" } } });
  });

  it("asks the Server API with a token that it takes, and verifyReceipt with our secret", async () => {
    const fetched = reachApple();
    const { originalTransactionId: id } = apple.buy({ environment: "sandbox", status: 3 });
    expect(await createAppStore(config).getSubscription?.(id)).toMatchObject({ originalTransactionId: id, inBillingRetry: true });
    expect(await createAppStore(config).readPurchase(apple.receipt(id), "pro.monthly")).toMatchObject({ kind: "ok", purchase: { originalTransactionId: id } });
    expect(fetched).toHaveBeenCalledTimes(4);
  });

  it("is a service where it is configured, and none elsewhere", async () => {
    const bindings = env as unknown as Env;
    const db = createDb(bindings.DB);
    expect(createServices(bindings, db).appStore).toBeNull();
    const variables = { APPLE_BUNDLE_ID: apple.bundleId, APPLE_SHARED_SECRET: apple.sharedSecret, APPLE_ROOT_CA_SHA256: apple.authority.rootSha256 };
    const { appStore } = createServices({ ...bindings, ...variables }, db);
    expect(await appStore?.readNotification(await apple.notification(null, { type: "TEST" }))).toMatchObject({ kind: "ok", notification: { type: "TEST" } });
    expect(await appStore?.readPurchase("no receipt", "pro.monthly")).toEqual({ kind: "invalid", reason: "malformed" });
    expect(appStore?.getSubscription).toBeNull();
    reachApple();
    const key = { APPLE_MODE: "server_api", APPLE_ISSUER_ID: apple.issuerId, APPLE_STOREKIT_KEY_ID: apple.keyId, APPLE_STOREKIT_PRIVATE_KEY: apple.privateKey, APPLE_STOREKIT_BASE_URL: "https://apple.test/production" };
    const id = apple.buy().originalTransactionId;
    expect(await createServices({ ...bindings, ...variables, ...key }, db).appStore?.getSubscription?.(id, "production")).toMatchObject({ originalTransactionId: id });
  });
});
