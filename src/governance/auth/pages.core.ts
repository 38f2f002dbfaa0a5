const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text that may stand anywhere in a page. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:12vh auto;padding:0 1.5rem;color:#1c1917;background:#fafaf9}h1{font-size:1.35rem}code{font-size:1.6rem;letter-spacing:.12em}button{font:inherit;padding:.55rem 1.1rem;border:0;border-radius:.4rem;background:#1c1917;color:#fff;cursor:pointer}small{color:#57534e}";

/** A page of ours. @param body HTML whose texts are escaped */
export const renderPage = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
