import { foldAddress } from "../addresses.core";
import type { OperatorList } from "../sign-in-config";

const RETURN_MAX = 1_024;

/** Where somebody goes after signing in: a path of ours, or `/`. What a browser could read as another host is none. */
export function safeReturnTo(text: string | undefined): string {
  // Browsers drop tabs and line breaks and take a backslash for a slash, so only plain characters may stand in it.
  if (text === undefined || text.length > RETURN_MAX || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text)) return "/";
  // `/.//host` is a path of ours that begins with two slashes once its dots are gone: whoever redirects to it anew leaves.
  return new URL(text, "https://sett.invalid").pathname.startsWith("//") ? "/" : text;
}

/** Whether somebody runs the organisation. A name on the list counts only for a proven address. */
export function isOperator({ email, emailVerified }: { readonly email: string | null; readonly emailVerified: boolean }, { everybody, emails, domains }: OperatorList): boolean {
  if (everybody) return true;
  if (email === null || !emailVerified) return false;
  const address = foldAddress(email);
  const at = address.lastIndexOf("@");
  // What is no address at all may be the name of a domain.
  return at > 0 && (emails.has(address) || domains.has(address.slice(at + 1)));
}

/** Whether a browser sends this from a page of ours. Programs that send cookies have to say so. */
export function isSameOrigin(headers: Headers, ourOrigins: readonly (string | null)[]): boolean {
  const origin = headers.get("origin");
  return origin === null ? headers.get("sec-fetch-site") === "same-origin" : ourOrigins.includes(origin);
}
