/** Where to go after signing in. Only a path of this console is ever followed. */

const AUTH_PAGES = ["/login", "/signup", "/verify", "/forgot", "/reset"];

/** Answers the path with its query and hash, or null when following it could leave the console or loop. */
export function findSafeNext(next: string | null | undefined, origin: string): string | null {
  if (!next || !next.startsWith("/") || next.startsWith("//") || next.includes("\\")) return null;
  // Browsers drop tabs and newlines from addresses, so "/\t/host" would become "//host".
  if ([...next].some((character) => character.charCodeAt(0) < 0x20 || character.charCodeAt(0) === 0x7f)) return null;
  let url: URL;
  try {
    url = new URL(next, origin);
  } catch {
    return null;
  }
  // "/.//host" resolves to the path "//host", which a later navigation would read as another host.
  if (url.origin !== origin || url.pathname.startsWith("//")) return null;
  if (AUTH_PAGES.some((page) => url.pathname === page || url.pathname.startsWith(`${page}/`))) return null;
  return `${url.pathname}${url.search}${url.hash}`;
}
