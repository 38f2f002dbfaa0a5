import type { AppError } from "../../kernel/errors/app-error";
import { governanceWire } from "../wire";
import { escapeHtml, renderPage } from "./pages.core";

/** Nothing of others runs, loads or frames these pages; their forms go to us. The referrer stays, since without it browsers hide the origin of forms. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
};

function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

/** Sends a browser elsewhere. */
export const answerRedirect = (location: string, cookies: readonly string[] = []): Response => withCookies(new Response(null, { status: 302, headers: { location, "cache-control": "no-store" } }), cookies);

export const answerPage = (status: number, html: string, cookies: readonly string[] = []): Response => withCookies(new Response(html, { status, headers: PAGE_HEADERS }), cookies);

export const answerDone = (cookies: readonly string[]): Response => withCookies(new Response(null, { status: 204, headers: { "cache-control": "no-store" } }), cookies);

/** A refusal: a page for people, the family's error body for programs. */
export function answerRefusal(error: AppError, request: Request, requestId: string, cookies: readonly string[] = []): Response {
  const wire = governanceWire.renderError(error, requestId);
  if (!(request.headers.get("accept") ?? "").includes("text/html")) return withCookies(wire, cookies);
  return answerPage(wire.status, renderPage("That did not work", `<p>${escapeHtml(error.message)}</p><p><small>${escapeHtml(requestId)}</small></p>`), cookies);
}
