import { describe, expect, it } from "vitest";
import { outcomeOf, summarize, testNotificationOf } from "../../../src/fleet/notifications/notifications.core";
import { appIdOf, tokenForms } from "../../../src/fleet/push-devices/push-devices.core";
import { readRejected, rejectedTargets } from "../../../src/fleet/push-gateway/notify.core";

describe("devices", () => {
  it("have the app id that the gateway knows", () => {
    expect(appIdOf("ios", "production")).toBe("com.signout.appios");
    expect(appIdOf("ios", "sandbox")).toBe("com.signout.appios.dev");
    expect(appIdOf("android", "production")).toBe("io.signout.android");
    expect(appIdOf("android", "sandbox")).toBe("io.signout.android");
  });

  it("are the same in base64 and hexadecimal, when the token is an APNs one", () => {
    const hex = "ff".repeat(31) + "0a";
    const base64 = Buffer.from(hex, "hex").toString("base64");
    expect(tokenForms(hex.toUpperCase())).toContain(base64);
    expect(tokenForms(hex.toUpperCase())).toContain(hex);
    expect(tokenForms(base64)).toEqual([base64, hex, hex.toUpperCase()]);
    for (const other of ["short", "z".repeat(64), "fcm:token-with_signs", "a".repeat(43).concat("==")]) expect(tokenForms(other)).toEqual([other]);
  });
});

describe("what a gateway rejects", () => {
  const request = JSON.stringify({ notification: { devices: [{ app_id: "a", pushkey: "one" }, { app_id: "b", pushkey: "two" }, { pushkey: "three" }, null] } });

  it("is read with the app it was asked for", () => {
    expect(rejectedTargets(request, '{"rejected":["one","three","four"]}')).toEqual([{ appId: "a", deviceToken: "one" }]);
  });

  it("is nothing where either side makes no sense", () => {
    for (const answer of ["", "null", "[]", "{}", '{"rejected":"one"}', '{"rejected":[1,null]}', "<html>"]) expect(rejectedTargets(request, answer)).toEqual([]);
    for (const odd of ["", "null", "[]", '{"notification":[]}', '{"notification":{"devices":{}}}']) expect(rejectedTargets(odd, '{"rejected":["one"]}')).toEqual([]);
    expect(readRejected('{"rejected":[]}')).toEqual([]);
    expect(readRejected("Bad Gateway")).toBeNull();
  });
});

describe("trial notifications", () => {
  it("are one device each, of high priority", () => {
    expect(testNotificationOf({ appId: "a", deviceToken: "k", createdAt: 1_500 })).toMatchObject({
      notification: { event_id: "$test", prio: "high", counts: { unread: 1 }, devices: [{ app_id: "a", pushkey: "k", pushkey_ts: 1, data: {} }] },
    });
  });

  it("were sent only when the gateway took the key", () => {
    expect(outcomeOf(200, [], "k")).toEqual({ status: "sent", reason: null });
    expect(outcomeOf(200, ["k"], "k")).toEqual({ status: "rejected", reason: "key_rejected" });
    expect(outcomeOf(200, ["other"], "k").status).toBe("sent");
    expect(outcomeOf(200, null, "k")).toEqual({ status: "not_sent", reason: "gateway_refused" });
    expect(outcomeOf(502, [], "k")).toEqual({ status: "not_sent", reason: "gateway_refused" });
  });

  it("are summed up by what matters most", () => {
    const sent = { status: "sent", reason: null } as const;
    const rejected = { status: "rejected", reason: "key_rejected" } as const;
    const down = { status: "not_sent", reason: "gateway_unreachable" } as const;
    expect(summarize([sent])).toBe("Sent to 1 device.");
    expect(summarize([sent, sent])).toBe("Sent to 2 devices.");
    expect(summarize([sent, rejected])).toBe("Sent to 1 of 2 devices.");
    expect(summarize([rejected, down])).toBe("The push gateway does not answer.");
    expect(summarize([rejected])).toContain("deactivated");
  });
});
