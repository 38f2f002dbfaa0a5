import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDeviceCheck, readBits } from "../../../src/integrations/apple/device-check";
import type { AppleConfig } from "../../../src/kernel/config";
import { startDeviceCheck } from "../../support/outside-services.mjs";

let apple: Awaited<ReturnType<typeof startDeviceCheck>>;
const config = (changed: Partial<AppleConfig> = {}): AppleConfig => ({ teamId: apple.teamId, keyId: apple.keyId, privateKey: apple.privateKey, deviceCheckBaseUrl: apple.origin, ...changed });

beforeAll(async () => {
  apple = await startDeviceCheck();
});
afterEach(() => apple.fail(""));
afterAll(() => apple.close());

describe("DeviceCheck", () => {
  it("knows nothing of a new device, then what was set", async () => {
    const client = createDeviceCheck(config());
    expect(await client.query("fresh")).toEqual({ kind: "known", bits: { bit0: false, bit1: false } });
    expect(await client.update("fresh", { bit0: true, bit1: false })).toMatchObject({ kind: "known" });
    expect(await client.query("fresh")).toEqual({ kind: "known", bits: { bit0: true, bit1: false } });
  });

  it("sends a token without the line breaks that some clients put in", async () => {
    expect(await createDeviceCheck(config()).query("AB\r\nCD")).toMatchObject({ kind: "known" });
    expect(apple.seen.at(-1)?.body.device_token).toBe("ABCD");
  });

  it("signs once for many questions", async () => {
    const client = createDeviceCheck(config());
    await Promise.all([client.query("one"), client.query("two")]);
    const [last, before] = apple.seen.slice(-2).map((seen) => seen.headers.authorization);
    expect(last).toBe(before);
  });

  it("reads keys with escaped line breaks and without their frame", async () => {
    for (const privateKey of [apple.privateKey.replaceAll("\n", "\\n"), apple.privateKey.replace(/-----[A-Z ]+-----/g, "").trim()]) {
      expect(await createDeviceCheck(config({ privateKey })).query("device")).toMatchObject({ kind: "known" });
    }
  });

  it("tells a bad token from trouble, whoever's it is", async () => {
    const client = createDeviceCheck(config());
    expect(await client.query("bad token")).toEqual({ kind: "bad_token" });
    for (const mode of ["401", "500", "nonsense"] as const) {
      apple.fail(mode);
      expect(await client.query("device"), mode).toMatchObject({ kind: "unavailable" });
    }
    apple.fail("");
    expect(await createDeviceCheck(config({ teamId: "OTHERTEAM1" })).query("device")).toEqual({ kind: "unavailable", cause: "DeviceCheck answered 401" });
    expect(await createDeviceCheck(config({ privateKey: "no key" })).query("device")).toMatchObject({ kind: "unavailable" });
    expect(await createDeviceCheck(config({ deviceCheckBaseUrl: "http://127.0.0.1:1" })).query("device")).toMatchObject({ kind: "unavailable" });
  });

  it("does not wait for a silent Apple", async () => {
    apple.fail("hang");
    expect(await createDeviceCheck(config()).query("device")).toEqual({ kind: "unavailable", cause: "TimeoutError" });
  }, 10_000);

  it.each(["Failed to find bit state", "Bit State Not Found"])("takes %j for a device never seen", (text) => {
    expect(readBits(text)).toEqual({ kind: "known", bits: { bit0: false, bit1: false } });
  });

  it.each(["", "{", "{}", '{"bit0":1,"bit1":0}', "hello"])("makes no bits of %j", (text) => {
    expect(readBits(text)).toMatchObject({ kind: "unavailable" });
  });
});
