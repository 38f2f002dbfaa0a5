import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, mintToken, signUpUser } from "../../support/client";

/** Where no App Store is set up. What purchases do is in test/billing. */

const { DB } = env as unknown as { DB: D1Database };

describe("purchases where no App Store is set up", () => {
  it("are refused, and nothing changes", async () => {
    const user = await signUpUser();
    const body = { receipt_data: "TUlJVA==", product_id: "pro.monthly" };
    const before = await DB.prepare("SELECT count(*) AS n FROM webhook_events").first("n");
    expect(await api("POST", "/api/v1/subscription/apple/validate", { token: user.accessToken, body })).toMatchObject({ status: 503, body: { code: "dependency_unavailable", provider: "apple" } });
    expect(await api("POST", "/api/v1/subscription/apple/notifications", { body: { signedPayload: "a.b.c" } })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await api("POST", "/api/v1/subscription/apple/validate", { token: (await mintToken(user)).token, body })).toMatchObject({ status: 403 });
    expect(await DB.prepare("SELECT count(*) AS n FROM user_subscriptions WHERE tenant_id = ?").bind(user.userId).first("n")).toBe(0);
    expect(await DB.prepare("SELECT count(*) AS n FROM webhook_events").first("n")).toBe(before);
  });
});
