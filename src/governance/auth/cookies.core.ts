interface CookieOptions {
  /** 0 takes it away. */
  readonly maxAgeSeconds: number;
  readonly path: string;
  readonly secure: boolean;
}

/** Value of a cookie in a `Cookie` header, or null. */
export function readCookie(header: string | null, name: string): string | null {
  for (const pair of (header ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || null;
  }
  return null;
}

/** A `Set-Cookie` header. No script reads it; other sites' pages send it with links only. @param value of characters that need no quoting */
export const writeCookie = (name: string, value: string, { maxAgeSeconds, path, secure }: CookieOptions): string => `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
