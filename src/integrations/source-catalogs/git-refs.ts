import { fromUtf8 } from "../../kernel/crypto/bytes";
import { MAX_CATALOG_ITEMS, type CatalogItem } from "../../kernel/ports/source-catalogs";
import { unusable, type Visitor } from "./http";
import { metadataOf } from "./json";

const MAX_REFS_BYTES = 8 * 1024 * 1024;
const ADVERTISEMENT = "application/x-git-upload-pack-advertisement";
/** No line of a ref is shorter than its id, so an honest list has fewer. */
const MAX_PACKETS = 200_000;
const ZERO = /^0+$/;
const SHORT = 12;

/** What a git repository offers: its newest commit and its tags, as the smart HTTP protocol tells them. Nothing is cloned. */
export async function listGitRefs(visitor: Visitor, originUrl: string): Promise<readonly CatalogItem[]> {
  const url = new URL(originUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/info/refs`;
  url.search = "?service=git-upload-pack";
  url.hash = "";
  const { bytes, contentType } = await visitor.get(url.href, { accept: ADVERTISEMENT, maxBytes: MAX_REFS_BYTES });
  if (contentType.split(";")[0]?.trim() !== ADVERTISEMENT) throw unusable("is no git repository that is served over smart HTTP");
  const refs = readAdvertisement(bytes);
  const repository = originUrl.replace(/[?#].*$/, "").replace(/\/+$/, "");
  const name = (repository.split("/").at(-1) ?? "").replace(/\.git$/, "").slice(0, 200) || "repository";
  const item = (ref: string, version: string, commit: string): CatalogItem => ({ kind: "skill-bundle", name, upstreamId: ref, version, digest: `git:${commit}`, metadata: metadataOf({ repository, ref, commit }) });

  const head = refs.get("HEAD");
  const tags = [...refs].filter(([ref]) => ref.startsWith("refs/tags/") && !ref.endsWith("^{}") && ref.length <= 255);
  return [
    ...(head === undefined ? [] : [item("HEAD", head.slice(0, SHORT), head)]),
    // Of annotated tags the commit that they stand on is told in a line of its own.
    ...tags.map(([ref, id]) => item(ref, ref.slice("refs/tags/".length).slice(0, 128), refs.get(`${ref}^{}`) ?? id)),
  ].slice(0, MAX_CATALOG_ITEMS);
}

/** Names and ids of an advertisement (protocol 0 and 1; an empty repository has none). @throws AppError BAD_GATEWAY */
export function readAdvertisement(bytes: Uint8Array): ReadonlyMap<string, string> {
  const refs = new Map<string, string>();
  const lines = [...readPackets(bytes)];
  if (lines[0] !== "# service=git-upload-pack") throw unusable("answered no list of refs");
  for (const line of lines.slice(1)) {
    if (line === null || line === "version 1") continue;
    const [, id = "", ref = ""] = /^([0-9a-f]{40}|[0-9a-f]{64}) ([^\0]+)/.exec(line) ?? [];
    if (ref !== "" && !ZERO.test(id)) refs.set(ref, id);
  }
  return refs;
}

/** Lines of the pkt-line format, null for a flush: four hexadecimal digits of length, themselves included. */
function* readPackets(bytes: Uint8Array): Iterable<string | null> {
  let left = MAX_PACKETS;
  for (let at = 0; at < bytes.length; ) {
    if (left-- === 0) throw unusable("answered a broken list of refs");
    const digits = fromUtf8(bytes.subarray(at, at + 4));
    const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : -1;
    if (length === 0) yield null;
    else if (length < 4 || at + length > bytes.length) throw unusable("answered a broken list of refs");
    else yield fromUtf8(bytes.subarray(at + 4, at + length)).replace(/\n$/, "");
    at += Math.max(4, length);
  }
}
