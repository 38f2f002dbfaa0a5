interface CookieOptions {
  /** 0 takes it away. */
  readonly maxAgeSeconds: number;
  readonly path: string;
  readonly secure: boolean;
}

/** Value of a cookie in a `Cookie` header, or null. Two that differ are none: which of them is ours, and which a neighbouring site's, does not show. */
export function readCookie(header: string | null, name: string): string | null {
  const values = new Set<string>();
  for (const pair of (header ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) values.add(pair.slice(at + 1).trim());
  }
  const [value, another] = values;
  return another === undefined ? value || null : null;
}

/** A `Set-Cookie` header. No script reads it; other sites' pages send it with links only. @param value of characters that need no quoting */
export const writeCookie = (name: string, value: string, { maxAgeSeconds, path, secure }: CookieOptions): string => `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
