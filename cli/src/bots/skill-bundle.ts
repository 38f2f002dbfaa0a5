import { createHash } from "node:crypto";
import { isObject, parseJson } from "../core/json";

/** How a skill travels (docs/design/live-wire.md §9). Pure. */

export const SKILL_FILES_MAX = 200;
export const SKILL_BYTES_MAX = 1024 * 1024;
const PATH_MAX = 400;

export interface SkillFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Whether a skill's name is a plain folder name. */
export const isSkillName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name);

/** Whether a path stays inside its folder on every system. */
export function isInnerPath(path: string): boolean {
  if (path === "" || path.length > PATH_MAX || /[\\:\u0000-\u001f]/.test(path)) return false;
  return path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** The content of a skill: the same files give the same bytes everywhere. */
export function packSkill(files: readonly SkillFile[]): Buffer<ArrayBuffer> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return Buffer.from(JSON.stringify({ files: sorted.map(({ path, bytes }) => ({ path, content: Buffer.from(bytes).toString("base64") })) }));
}

export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The files in a content: a bundle, or the plain text of SKILL.md. Throws Error naming what is wrong with it. */
export function unpackSkill(content: Uint8Array): SkillFile[] {
  if (content.byteLength > SKILL_BYTES_MAX) throw new Error("it is larger than 1 MiB");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(content);
  } catch {
    throw new Error("it is no text");
  }
  const raw = parseJson(text);
  if (!isObject(raw) || !Array.isArray(raw["files"])) return [{ path: "SKILL.md", bytes: content }];
  const files = raw["files"].map((item: unknown): SkillFile => {
    const path = isObject(item) ? item["path"] : undefined;
    const data = isObject(item) ? item["content"] : undefined;
    if (typeof path !== "string" || typeof data !== "string") throw new Error("a file in it has no path or no content");
    if (!isInnerPath(path)) throw new Error("a path in it leaves the skill's folder");
    return { path, bytes: Buffer.from(data, "base64") };
  });
  if (files.length > SKILL_FILES_MAX) throw new Error(`it has more than ${SKILL_FILES_MAX} files`);
  const seen = new Set<string>();
  for (const { path } of files) {
    // Case counts: on some systems two such names are one file.
    const key = path.toLowerCase();
    if (seen.has(key)) throw new Error("it has a path twice");
    seen.add(key);
  }
  for (const key of seen) {
    for (let at = key.indexOf("/"); at !== -1; at = key.indexOf("/", at + 1)) {
      if (seen.has(key.slice(0, at))) throw new Error("a path in it is a file and also a folder");
    }
  }
  if (!files.some((file) => file.path === "SKILL.md")) throw new Error("it has no SKILL.md");
  return files;
}

/** The description in a SKILL.md's front matter, or "". */
export function skillDescription(text: string): string {
  const block = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1];
  if (block === undefined) return "";
  const lines = block.split(/\r?\n/);
  const at = lines.findIndex((line) => /^description\s*:/.test(line));
  if (at === -1) return "";
  const value = (lines[at] ?? "").replace(/^description\s*:\s*/, "").trim();
  const rest = [];
  for (const line of lines.slice(at + 1)) {
    if (!/^\s+\S/.test(line) && line.trim() !== "") break;
    rest.push(line.trim());
  }
  const folded = [/^[|>][+-]?\d*$/.test(value) ? "" : value, ...rest].join(" ").replace(/\s+/g, " ").trim();
  return /^(["']).*\1$/.test(folded) ? folded.slice(1, -1) : folded;
}
