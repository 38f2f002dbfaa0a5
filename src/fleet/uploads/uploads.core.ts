/** Rules of verification documents: which files, under which keys, and how addresses name them. */

export const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** First bytes that decide what a file is. */
export const HEAD_BYTES = 12;

const TYPE_BY_EXTENSION: Readonly<Record<string, string>> = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", heic: "image/heic", pdf: "application/pdf" };
export const FILE_EXTENSIONS: readonly string[] = Object.keys(TYPE_BY_EXTENSION);

const NAME_MAX_CHARS = 80;
const LOCATION_MAX_CHARS = 2_048;
const HEIC_BRANDS: ReadonlySet<string> = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1"]);

const extensionOf = (name: string): string => /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

/** The content type that a file name promises; null when we do not take such files. */
export const contentTypeOf = (filename: string): string | null => TYPE_BY_EXTENSION[extensionOf(filename)] ?? null;

/** A name that needs no quoting anywhere: the last segment, letters, digits, dots, dashes; the extension stays. */
export function safeFilename(filename: string): string {
  const base = filename.split(/[/\\]/).at(-1) ?? "";
  const extension = extensionOf(base);
  const stem = base
    .slice(0, extension ? -(extension.length + 1) : undefined)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, NAME_MAX_CHARS);
  return `${stem || "file"}${extension ? `.${extension}` : ""}`;
}

export const fileKeyOf = (userId: number, uuid: string, filename: string): string => `verifications/${userId}/${uuid}-${safeFilename(filename)}`;

/** Whose file a key names; null when it is no key of ours. */
export function ownerOfKey(key: string): number | null {
  const owner = Number(/^verifications\/([1-9]\d{0,14})\/[^/]+$/.exec(key)?.[1]);
  return Number.isSafeInteger(owner) ? owner : null;
}

/** Last segment of a key, as a name for downloads. */
export const downloadNameOf = (key: string): string => safeFilename(key);

/** Whether a file begins as files of its declared type do. */
export function matchesType(contentType: string, head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  switch (contentType) {
    case "image/jpeg":
      return text.startsWith("\xff\xd8\xff");
    case "image/png":
      return text.startsWith("\x89PNG\r\n\x1a\n");
    case "image/heic":
      return text.slice(4, 8) === "ftyp" && HEIC_BRANDS.has(text.slice(8, 12));
    case "application/pdf":
      return text.startsWith("%PDF-");
    default:
      return false;
  }
}

/** Where our files are, as addresses may say it. */
export interface FilePlaces {
  readonly bucket: string;
  /** Origin of the store; null when only we reach it. */
  readonly endpoint: string | null;
  /** Our own origins, where files are served below `/files/`. */
  readonly origins: readonly string[];
}

/** Hosts of Amazon S3 and R2, with the bucket in front or not. An endpoint may change; addresses given out before stay. */
const STORE_HOST = /^(?:(.+)\.)?(?:s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com|[0-9a-f]{32}(?:\.(?:eu|fedramp))?\.r2\.cloudflarestorage\.com)$/;

/**
 * The key that an address names: a bare key, `s3://bucket/key`, a path-style or virtual-host S3 or R2 address, or one of ours,
 * signed or not. Null for other buckets and hosts and for whatever could mean another key to somebody else.
 */
export function readFileKey(location: string, places: FilePlaces): string | null {
  if (location.length > LOCATION_MAX_CHARS || /[\\\s]|\p{C}/u.test(location)) return null;
  const s3 = /^s3:\/\/([^/]+)\/(.+)$/.exec(location);
  if (s3) return s3[1] === places.bucket ? checkKey(s3[2]) : null;
  // Read by hand: a URL parser would resolve `..` before we see it.
  const web = /^(https?:\/\/([^/?#@]+))\/([^?#]*)(?:[?#].*)?$/i.exec(location);
  if (!web) return location.includes(":") ? null : checkKey(location);
  const [, origin = "", host = "", path = ""] = web;
  // One decoding, and none that makes a separator or a dot.
  if (/%(?:2e|2f|5c|25|00)/i.test(path)) return null;
  const decoded = decodeOnce(path);
  const below = decoded === null ? null : keyPathOf(origin.toLowerCase(), host.toLowerCase(), decoded, places);
  return below === null ? null : checkKey(below);
}

/** The part of a decoded path that is the key, on hosts where our files are. */
function keyPathOf(origin: string, host: string, path: string, { bucket, endpoint, origins }: FilePlaces): string | null {
  const after = (prefix: string): string | null => (path.startsWith(prefix) ? path.slice(prefix.length) : null);
  if (origins.includes(origin)) return after("files/");
  const endpointHost = endpoint === null ? null : new URL(endpoint).host;
  if (endpointHost !== null && host === endpointHost) return after(`${bucket}/`);
  if (endpointHost !== null && host === `${bucket}.${endpointHost}`) return path;
  const known = STORE_HOST.exec(host);
  if (!known) return null;
  return known[1] === undefined ? after(`${bucket}/`) : known[1] === bucket ? path : null;
}

function decodeOnce(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** The key itself, when it is unmistakable: ours, of three segments, none of them dots. */
function checkKey(key: string | undefined): string | null {
  if (key === undefined || ownerOfKey(key) === null || /[%\\]|\p{C}/u.test(key)) return null;
  const name = key.split("/").at(-1);
  return name === "." || name === ".." ? null : key;
}
