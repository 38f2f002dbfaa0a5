import { beforeAll, describe, expect, it } from "vitest";
import { createAppStore } from "../../../src/integrations/apple/app-store";
import { createAppStoreDouble, type AppStoreDouble } from "../../support/apple/app-store.mjs";

const DAY_MS = 86_400_000;

let apple: AppStoreDouble;
beforeAll(async () => {
  apple = await createAppStoreDouble();
});

const read = (signedPayload: string, rootSha256 = apple.authority.rootSha256) =>
  createAppStore({ bundleId: apple.bundleId, sharedSecret: null, receiptBaseUrl: "", receiptSandboxBaseUrl: "", serverApi: null, rootSha256 }).readNotification(signedPayload);

describe("notifications", () => {
  it("tell what happened to which purchase", async () => {
    const [signedAt, graceUntil] = [Date.now() - 5_000, Date.now() + DAY_MS];
    const { originalTransactionId, expiresAt } = apple.buy({ status: 4, inBillingRetry: true, graceUntil, environment: "sandbox" });
    const notificationId = crypto.randomUUID();
    expect(await read(await apple.notification(originalTransactionId, { type: "DID_FAIL_TO_RENEW", subtype: "GRACE_PERIOD", notificationId: notificationId.toUpperCase(), signedAt }))).toEqual({
      kind: "ok",
      notification: {
        notificationId,
        type: "DID_FAIL_TO_RENEW",
        subtype: "GRACE_PERIOD",
        environment: "sandbox",
        bundleId: apple.bundleId,
        signedAt,
        purchase: { originalTransactionId, productId: "pro.monthly", bundleId: apple.bundleId, environment: "sandbox", expiresAt, isTrial: false, autoRenew: true, inBillingRetry: true, graceUntil, revokedAt: null, appAccountToken: null },
      },
    });
  });

  it("tell of an end by their status", async () => {
    const expired = apple.buy({ status: 2, autoRenew: false, expiresAt: Date.now() - DAY_MS, inBillingRetry: true });
    expect(await read(await apple.notification(expired.originalTransactionId, { type: "EXPIRED", subtype: "VOLUNTARY" }))).toMatchObject({ notification: { purchase: { autoRenew: false, inBillingRetry: false, expiresAt: expired.expiresAt } } });
    const revokedAt = Date.now() - DAY_MS;
    const refunded = apple.buy({ status: 5, revokedAt });
    expect(await read(await apple.notification(refunded.originalTransactionId, { type: "REFUND" }))).toMatchObject({ notification: { subtype: null, purchase: { revokedAt } } });
  });

  it("come without a renewal or without a purchase", async () => {
    const { originalTransactionId: id } = apple.buy();
    expect(await read(await apple.notification(id, { type: "REFUND", data: { signedRenewalInfo: undefined, status: undefined } }))).toMatchObject({ notification: { purchase: { originalTransactionId: id, autoRenew: null } } });
    expect(await read(await apple.notification(null, { type: "TEST" }))).toMatchObject({ kind: "ok", notification: { type: "TEST", environment: "sandbox", purchase: null } });
    const summary = { bundleId: apple.bundleId, environment: "Production", productId: "pro.monthly" };
    expect(await read(await apple.notification(null, { type: "RENEWAL_EXTENSION", subtype: "SUMMARY", payload: { data: undefined, summary } }))).toMatchObject({ notification: { environment: "production", purchase: null } });
    for (const [externalPurchaseId, environment] of [["SANDBOX_1", "sandbox"], ["1", "production"]]) {
      const external = { data: undefined, externalPurchaseToken: { bundleId: apple.bundleId, externalPurchaseId } };
      expect(await read(await apple.notification(null, { type: "EXTERNAL_PURCHASE_TOKEN", payload: external }))).toMatchObject({ notification: { environment, purchase: null } });
    }
  });

  it("are not taken when anybody but Apple signed any part", async () => {
    const forger = await createAppStoreDouble();
    const { originalTransactionId: id } = apple.buy();
    const forged = forger.buy({ originalTransactionId: id }).originalTransactionId;
    expect(await read(await forger.notification(forged, { type: "SUBSCRIBED" }))).toEqual({ kind: "invalid", reason: "untrusted_root" });
    for (const data of [{ signedTransactionInfo: await forger.signTransaction(forged) }, { signedRenewalInfo: await forger.signRenewal(forged) }]) {
      expect(await read(await apple.notification(id, { type: "SUBSCRIBED", data }))).toEqual({ kind: "invalid", reason: "untrusted_root" });
    }
    for (const data of [{ signedTransactionInfo: "x" }, { signedRenewalInfo: "e30.e30.x" }]) {
      expect(await read(await apple.notification(id, { type: "SUBSCRIBED", data }))).toMatchObject({ kind: "invalid" });
    }
    for (const text of ["", "{}", "a.b.c"]) expect(await read(text)).toEqual({ kind: "invalid", reason: "malformed" });
  });

  it("are not taken for another app, inside or out", async () => {
    const { originalTransactionId: id } = apple.buy();
    expect(await read(await apple.notification(id, { type: "SUBSCRIBED", data: { bundleId: "org.example.other" } }))).toEqual({ kind: "wrong_app" });
    expect(await read(await apple.notification(id, { type: "SUBSCRIBED", data: { signedTransactionInfo: await apple.signTransaction(id, Date.now(), { bundleId: "org.example.other" }) } }))).toEqual({ kind: "wrong_app" });
  });

  it("are not taken when their parts do not fit", async () => {
    const [{ originalTransactionId: id }, { originalTransactionId: other }] = [apple.buy(), apple.buy()];
    const wrong = [
      await apple.notification(id, { type: "SUBSCRIBED", data: { signedRenewalInfo: await apple.signRenewal(other) } }),
      await apple.notification(id, { type: "SUBSCRIBED", data: { signedRenewalInfo: await apple.signRenewal(id, Date.now(), { environment: "Sandbox" }) } }),
      await apple.notification(id, { type: "small" }),
      await apple.notification(id, { type: "SUBSCRIBED", subtype: "no word" }),
      await apple.notification(id, { type: "SUBSCRIBED", notificationId: "7" }),
      await apple.notification(id, { type: "SUBSCRIBED", payload: { version: "1.0" } }),
      await apple.notification(id, { type: "SUBSCRIBED", payload: { data: undefined } }),
      // A transaction is signed by Apple as well, and is no notification.
      await apple.signTransaction(id),
    ];
    for (const text of wrong) expect(await read(text)).toEqual({ kind: "invalid", reason: "payload" });
    for (const environment of ["Sandbox", "Xcode"]) expect(await read(await apple.notification(id, { type: "SUBSCRIBED", data: { environment } }))).toEqual({ kind: "invalid", reason: "environment" });
  });
});
