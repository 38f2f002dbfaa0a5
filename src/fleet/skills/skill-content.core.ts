import { fromBase64Url } from "../../kernel/crypto/bytes";

/** What a skill's content may be: docs/design/live-wire.md §9. No I/O. */

/** Largest content, bytes. */
export const CONTENT_MAX_BYTES = 1024 * 1024;
/** Most files of a bundle. */
const FILES_MAX = 200;
const PATH_MAX_CHARS = 400;
const MAIN_FILE = "SKILL.md";

export type ContentFormat = "bundle" | "text";

export type SkillContent = { readonly kind: "ok"; readonly format: ContentFormat; /** Text of SKILL.md; null when it is no text. */ readonly mainText: string | null } | { readonly kind: "bad"; readonly why: string };

const bad = (why: string): SkillContent => ({ kind: "bad", why });

/** SHA-256 as we write it. */
export const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** Reads a content: JSON with `files` is a bundle, any other UTF-8 text a plain SKILL.md. */
export function readContent(bytes: Uint8Array): SkillContent {
  if (bytes.length === 0) return bad("The content is empty");
  if (bytes.length > CONTENT_MAX_BYTES) return bad(`The content should have at most ${CONTENT_MAX_BYTES} bytes`);
  const text = decode(bytes);
  if (text === null) return bad("The content should be UTF-8 text");
  const files = filesOf(text);
  return files === null ? { kind: "ok", format: "text", mainText: text } : readBundle(files);
}

/** The `files` of a text that is a bundle's JSON; null when it is not. */
function filesOf(text: string): readonly unknown[] | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const { files } = JSON.parse(text) as { files?: unknown };
    return Array.isArray(files) ? files : null;
  } catch {
    return null;
  }
}

function readBundle(files: readonly unknown[]): SkillContent {
  if (files.length > FILES_MAX) return bad(`A bundle should have at most ${FILES_MAX} files`);
  const seen = new Set<string>();
  let main: Uint8Array | null = null;
  for (const file of files) {
    const { path, content } = (file ?? {}) as Record<string, unknown>;
    if (typeof path !== "string" || !isSafePath(path)) return bad("A path of the bundle would leave its folder, or is none");
    // Two names that differ in case alone are one file on some machines.
    if (seen.has(path.toLowerCase())) return bad("Two files of the bundle have one path");
    seen.add(path.toLowerCase());
    const bytes = typeof content === "string" ? fromBase64Url(content) : null;
    if (!bytes) return bad("A file's content should be base64");
    if (path === MAIN_FILE) main = bytes;
  }
  if ([...seen].some((path) => foldersOf(path).some((folder) => seen.has(folder)))) return bad("A path of the bundle is a file and a folder");
  return main ? { kind: "ok", format: "bundle", mainText: decode(main) } : bad(`A bundle should have a ${MAIN_FILE}`);
}

/** `a/b/c` → `a`, `a/b` */
const foldersOf = (path: string): string[] => path.split("/").slice(0, -1).map((_, depth, segments) => segments.slice(0, depth + 1).join("/"));

/** Whether a path names a file below its folder on every system. */
export function isSafePath(path: string): boolean {
  return path.length <= PATH_MAX_CHARS && !/[\\:]|\p{C}/u.test(path) && path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}
