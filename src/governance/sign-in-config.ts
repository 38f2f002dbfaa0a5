import { SECOND_MS } from "../kernel/clock";
import type { Config } from "../kernel/config";
import type { SignInProvider } from "../kernel/ports/sign-in";
import { foldAddress } from "./addresses.core";
import { bad, readInteger, readList, readSwitch } from "../kernel/variables";

/** How people sign in with a browser, and which of them run the organisation. */
export interface SignInConfig {
  /** `OIDC_ISSUER_URL`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`, `OIDC_SCOPES` (default `openid email profile`). */
  readonly provider: SignInProvider;
  /** `OIDC_REDIRECT_URI`; null: `/api/v1/auth/callback` of our own origin. */
  readonly redirectUri: string | null;
  /** `OIDC_COOKIE_NAME` (default `opencrane_oidc`); with `__Host-` before it no site of a neighbouring host name can plant one. */
  readonly cookieName: string;
  /** `OIDC_COOKIE_SECURE`; null: as our own origin is. */
  readonly cookieSecure: boolean | null;
  /** `OIDC_SESSION_MAX_AGE_SECONDS` (default 43200). */
  readonly sessionMaxAgeMs: number;
  /** Who has full power. With neither list nobody has. */
  readonly operators: OperatorList;
}

/** `OIDC_ALLOWED_EMAILS` and `OIDC_ALLOWED_EMAIL_DOMAINS`, in lower case. */
export interface OperatorList {
  /** `*` among the addresses: anybody whom the provider knows. */
  readonly everybody: boolean;
  readonly emails: ReadonlySet<string>;
  readonly domains: ReadonlySet<string>;
}

const DEFAULT_COOKIE = "opencrane_oidc";
const DEFAULT_MAX_AGE_SECONDS = 43_200;
const LONGEST_MAX_AGE_SECONDS = 30 * 86_400;

/** Null when no provider is configured. @throws AppError BAD_ENVIRONMENT */
export function readSignIn({ variable, environment }: Config): SignInConfig | null {
  const issuer = variable("OIDC_ISSUER_URL");
  const clientId = variable("OIDC_CLIENT_ID");
  if (issuer === undefined && clientId === undefined) return null;
  if (issuer === undefined || clientId === undefined) throw bad(issuer === undefined ? "OIDC_ISSUER_URL" : "OIDC_CLIENT_ID", "set together with the other of OIDC_ISSUER_URL and OIDC_CLIENT_ID");
  const isLocal = environment === "local";
  const maxAgeSeconds = readInteger("OIDC_SESSION_MAX_AGE_SECONDS", variable("OIDC_SESSION_MAX_AGE_SECONDS"), DEFAULT_MAX_AGE_SECONDS);
  if (maxAgeSeconds < 60 || maxAgeSeconds > LONGEST_MAX_AGE_SECONDS) throw bad("OIDC_SESSION_MAX_AGE_SECONDS", `60 to ${LONGEST_MAX_AGE_SECONDS}`);
  const cookieName = variable("OIDC_COOKIE_NAME") ?? DEFAULT_COOKIE;
  if (!/^[\w-]{1,64}$/.test(cookieName)) throw bad("OIDC_COOKIE_NAME", "1 to 64 letters, digits, _ or -");
  const secure = variable("OIDC_COOKIE_SECURE");
  if (/^__(host|secure)-/i.test(cookieName) && secure !== undefined && !readSwitch("OIDC_COOKIE_SECURE", secure)) throw bad("OIDC_COOKIE_SECURE", "1, or not set, with such a name in OIDC_COOKIE_NAME");
  const redirectUri = variable("OIDC_REDIRECT_URI");
  const scopes = (variable("OIDC_SCOPES") ?? "openid email profile").split(/[\s,]+/).filter((scope) => scope !== "");
  const emails = readList(variable("OIDC_ALLOWED_EMAILS")).map(foldAddress);
  return {
    provider: {
      issuer: requireAddress("OIDC_ISSUER_URL", issuer, isLocal),
      clientId,
      clientSecret: variable("OIDC_CLIENT_SECRET") ?? null,
      scopes: [...new Set(["openid", ...scopes])].join(" "),
      allowHttp: isLocal,
    },
    redirectUri: redirectUri === undefined ? null : requireAddress("OIDC_REDIRECT_URI", redirectUri, isLocal),
    cookieName,
    cookieSecure: secure === undefined ? null : readSwitch("OIDC_COOKIE_SECURE", secure),
    sessionMaxAgeMs: maxAgeSeconds * SECOND_MS,
    operators: {
      everybody: emails.includes("*"),
      emails: new Set(emails.filter((email) => email !== "*")),
      domains: new Set(readList(variable("OIDC_ALLOWED_EMAIL_DOMAINS")).map((domain) => foldAddress(domain.replace(/^@/, ""))).filter((domain) => domain !== "")),
    },
  };
}

/** As it is written: issuers are compared letter by letter. */
function requireAddress(name: string, text: string, allowHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.username || url.password || url.hash || !(url.protocol === "https:" || (allowHttp && url.protocol === "http:"))) throw bad(name, allowHttp ? "an http(s) address" : "an https address");
  return text;
}
