import { importPKCS8, SignJWT } from "jose";
import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { AppleConfig } from "../../kernel/config";
import type { DeviceBits, DeviceCheck, DeviceVerdict } from "../../kernel/ports/services";

/** Sign-up waits for this call, and lets people in when it fails. */
const TIMEOUT_MS = 4 * SECOND_MS;
/** Apple takes a token for an hour; an earlier new one allows for clocks that differ. */
const TOKEN_LIFE_MS = 20 * MINUTE_MS;
const MAX_ANSWER_CHARS = 4_096;
/** What Apple answers, with 200 and as plain text, for a device whose bits nobody ever set. */
const NEVER_SET = /bit state/i;

const UNSET: DeviceBits = { bit0: false, bit1: false };
const unavailable = (cause: string): DeviceVerdict => ({ kind: "unavailable", cause });

/** Apple's DeviceCheck: two bits about a device that outlive the app and its data. */
export function createDeviceCheck(config: AppleConfig): DeviceCheck {
  const post = async (path: string, deviceToken: string, fields: object, read: (text: string) => DeviceVerdict): Promise<DeviceVerdict> => {
    try {
      const response = await fetch(`${config.deviceCheckBaseUrl}/v1/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${await providerToken(config, Date.now())}`, "content-type": "application/json", "user-agent": "sett" },
        body: JSON.stringify({ device_token: deviceToken.replace(/\s+/g, ""), transaction_id: crypto.randomUUID(), timestamp: Date.now(), ...fields }),
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = (await response.text()).slice(0, MAX_ANSWER_CHARS);
      if (response.ok) return read(text);
      // 400 also means a malformed request of ours; only their text tells it from a bad token.
      if (response.status === 400 && /device token|bad token/i.test(text)) return { kind: "bad_token" };
      return unavailable(`DeviceCheck answered ${response.status}`);
    } catch (error) {
      return unavailable(error instanceof Error ? error.name : "unknown");
    }
  };
  return {
    query: (deviceToken) => post("query_two_bits", deviceToken, {}, readBits),
    update: (deviceToken, bits) => post("update_two_bits", deviceToken, bits, () => ({ kind: "known", bits })),
  };
}

/** The bits in a 200 of Apple's; exported for its test. */
export function readBits(text: string): DeviceVerdict {
  if (!text.trimStart().startsWith("{")) return NEVER_SET.test(text) ? { kind: "known", bits: UNSET } : unavailable("DeviceCheck answered 200 with a text we do not know");
  try {
    const { bit0, bit1 } = JSON.parse(text) as { bit0?: unknown; bit1?: unknown };
    if (typeof bit0 === "boolean" && typeof bit1 === "boolean") return { kind: "known", bits: { bit0, bit1 } };
  } catch {
    // Falls through: no JSON is no answer.
  }
  return unavailable("DeviceCheck answered 200 without bits");
}

const signed = new WeakMap<AppleConfig, { readonly token: Promise<string>; readonly until: number }>();

/** Our proof to Apple, made once per isolate and while it lasts. */
function providerToken(config: AppleConfig, nowMs: number): Promise<string> {
  const known = signed.get(config);
  if (known && known.until > nowMs) return known.token;
  const token = importPKCS8(toPem(config.privateKey), "ES256").then((key) =>
    new SignJWT({}).setProtectedHeader({ alg: "ES256", kid: config.keyId, typ: "JWT" }).setIssuer(config.teamId).setIssuedAt(Math.floor(nowMs / SECOND_MS)).sign(key),
  );
  signed.set(config, { token, until: nowMs + TOKEN_LIFE_MS });
  return token;
}

/** Environment files hold line breaks as `\n`, or only the middle of the file. */
function toPem(privateKey: string): string {
  const text = privateKey.replaceAll("\\n", "\n").trim();
  return text.startsWith("-----") ? text : `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`;
}
