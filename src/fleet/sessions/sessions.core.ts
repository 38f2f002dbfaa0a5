import { DAY_MS } from "../../kernel/clock";

/** How long a device stays signed in without its password. The refresh token does not rotate. */
export const SESSION_LIFE_MS = 30 * DAY_MS;

/** What of a User-Agent is kept. */
export const USER_AGENT_MAX_CHARS = 300;
const DEVICE_NAME_MAX = 100;

/** What a person typed into the login form: a Matrix id, an e-mail address or a user name. */
export type Alias = { readonly matrixId: string } | { readonly emailKey: string } | { readonly username: string };

export function readAlias(typed: string): Alias {
  const text = typed.trim().toLowerCase();
  if (text.startsWith("@")) return { matrixId: text };
  return text.includes("@") ? { emailKey: text } : { username: text };
}

/** The name that wrong tries are counted under: a Matrix id of ours is its user name, whether or not anybody has it. */
export function triedNameOf(alias: Alias, matrixServerName: string): string {
  if ("emailKey" in alias) return alias.emailKey;
  if ("username" in alias) return alias.username;
  const suffix = `:${matrixServerName}`;
  return alias.matrixId.endsWith(suffix) ? alias.matrixId.slice(1, -suffix.length) : alias.matrixId;
}

const PLATFORMS: readonly (readonly [pattern: RegExp, platform: string])[] = [
  [/iphone|ipad|ios\b/i, "ios"],
  [/android/i, "android"],
  [/windows/i, "windows"],
  [/mac os|macintosh|darwin/i, "macos"],
  [/cros/i, "chromeos"],
  [/linux/i, "linux"],
];

const PROGRAMS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bedg(e|a|ios)?\//i, "Edge"],
  [/\bopr\//i, "Opera"],
  [/firefox\/|fxios\//i, "Firefox"],
  [/chrome\/|crios\//i, "Chrome"],
  [/safari\//i, "Safari"],
];

export interface Device {
  readonly name: string | null;
  readonly platform: string | null;
}

/** How a session is shown in the list of devices: the name the app sent, else what its User-Agent tells. */
export function describeDevice(sentName: string | null, userAgent: string | null): Device {
  const platform = PLATFORMS.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1] ?? null;
  const sent = sentName?.trim().slice(0, DEVICE_NAME_MAX);
  if (sent) return { name: sent, platform };
  const program = PROGRAMS.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1] ?? userAgent?.split(/[/ ]/)[0];
  return { name: program ? [program, platform].filter(Boolean).join(" on ").slice(0, DEVICE_NAME_MAX) : null, platform };
}
