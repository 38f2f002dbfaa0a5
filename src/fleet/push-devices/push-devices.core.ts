import { fromBase64Url, fromHex, toBase64Url, toHex } from "../../kernel/crypto/bytes";

export const PLATFORMS = ["ios", "android"] as const;
export const ENVIRONMENTS = ["production", "sandbox"] as const;

export type Platform = (typeof PLATFORMS)[number];
export type PushEnvironment = (typeof ENVIRONMENTS)[number];

/** Phones an account keeps; registering one more forgets the one registered longest ago. */
export const MAX_DEVICES = 20;

/** The name under which the push gateway knows the app of a device. */
export function appIdOf(platform: Platform, environment: PushEnvironment): string {
  if (platform === "android") return "io.signout.android";
  return environment === "sandbox" ? "com.signout.appios.dev" : "com.signout.appios";
}

const APNS_TOKEN_BYTES = 32;

/** The texts that mean the same device: Matrix clients write an APNs token in base64, everybody else in hexadecimal. */
export function tokenForms(token: string): string[] {
  const hex = token.length === APNS_TOKEN_BYTES * 2 ? fromHex(token) : null;
  if (hex) return [token, token.toLowerCase(), toBase64(hex)];
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(token) ? fromBase64Url(token) : null;
  return bytes?.length === APNS_TOKEN_BYTES ? [token, toHex(bytes), toHex(bytes).toUpperCase()] : [token];
}

const toBase64 = (bytes: Uint8Array): string => `${toBase64Url(bytes).replaceAll("-", "+").replaceAll("_", "/")}=`;
