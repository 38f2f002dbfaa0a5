import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGrantGenuine, signGrant, type FileGrant } from "../../../src/fleet/uploads/file-grant";
import { contentTypeOf, fileKeyOf, matchesType, ownerOfKey, readFileKey, safeFilename, type FilePlaces } from "../../../src/fleet/uploads/uploads.core";
import { parseKeyRing } from "../../../src/kernel/crypto/key-ring";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const places: FilePlaces = { bucket: "papers", endpoint: `https://${ACCOUNT}.r2.cloudflarestorage.com`, origins: ["https://sett.example", "http://localhost:8787"] };
const key = "verifications/7/0b7f-passport.png";

describe("addresses of files", () => {
  it.each([
    key,
    `s3://papers/${key}`,
    `https://papers.s3.amazonaws.com/${key}`,
    `https://papers.s3.eu-north-1.amazonaws.com/${key}?X-Amz-Signature=1#x`,
    `https://papers.s3-us-west-2.amazonaws.com/${key}`,
    `https://papers.s3.dualstack.eu-west-1.amazonaws.com/${key}`,
    `https://s3.eu-north-1.amazonaws.com/papers/${key}`,
    `https://${ACCOUNT}.r2.cloudflarestorage.com/papers/${key}`,
    `https://papers.${ACCOUNT}.r2.cloudflarestorage.com/${key}`,
    `https://${ACCOUNT}.eu.r2.cloudflarestorage.com/papers/${key}`,
    `https://sett.example/files/${key}?op=GET&sig=x`,
    `HTTP://LOCALHOST:8787/files/${key}`,
  ])("%s is that file", (address) => {
    expect(readFileKey(address, places)).toBe(key);
  });

  it("are decoded once", () => {
    expect(readFileKey("https://sett.example/files/verifications/7/my%20p%C3%A4ss.png", places)).toBe("verifications/7/my päss.png");
    expect(readFileKey("https://sett.example/files/verifications/7/my%2520pass.png", places)).toBeNull();
  });

  it("of a store elsewhere are read by its own host", () => {
    const minio = { ...places, endpoint: "http://minio:9000" };
    expect(readFileKey(`http://minio:9000/papers/${key}`, minio)).toBe(key);
    expect(readFileKey(`http://papers.minio:9000/${key}`, minio)).toBe(key);
    expect(readFileKey(`http://minio:9001/papers/${key}`, minio)).toBeNull();
  });

  it.each([
    "",
    "verifications/7/",
    "verifications/7/..",
    "verifications/7/a/b.png",
    "verifications/07/a.png",
    "verifications/-7/a.png",
    "verifications/7/../8/a.png",
    "verifications/7/%2e%2e",
    "other/7/a.png",
    `/${key}`,
    `./${key}`,
    `${key}\n`,
    "verifications/7/a\u0000.png",
    "verifications/7/a\\b.png",
    `s3://other/${key}`,
    `s3://papers//${key}`,
    "s3://papers/verifications/7/../8/a.png",
    `https://other.s3.amazonaws.com/${key}`,
    `https://s3.amazonaws.com/other/${key}`,
    `https://s3.amazonaws.com.evil.example/papers/${key}`,
    `https://papers.s3.amazonaws.com.evil.example/${key}`,
    `https://evil.example/papers/${key}`,
    `https://evils3.amazonaws.com/papers/${key}`,
    `https://papers.s3.amazonaws.com@evil.example/${key}`,
    `https://evil.example@papers.s3.amazonaws.com/${key}`,
    `https://sett.example.evil.example/files/${key}`,
    `https://sett.example/${key}`,
    `https://sett.example/files//${key}`,
    `https://sett.example/files/../files/${key}`,
    "https://sett.example/files/verifications/7/%2e%2e/8/a.png",
    "https://sett.example/files/verifications/7%2f8%2fa.png",
    "https://sett.example/files/verifications/7/..%5ca.png",
    "https://sett.example/files/verifications/7/%ff.png",
    `ftp://papers.s3.amazonaws.com/${key}`,
    `file:///files/${key}`,
    `//papers.s3.amazonaws.com/${key}`,
    `https://sett.example/files/${key}${"x".repeat(2_100)}`,
  ])("%s is none", (address) => {
    expect(readFileKey(address, places)).toBeNull();
  });

  it("never name a key outside of somebody's own folder", () => {
    const piece = fc.constantFrom("verifications", "7", "8", "a.png", "..", ".", "%2e%2e", "%2f", "%252e", "\\", "//", "?", "#", "@", "s3:", "files", "papers");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom("", "s3://papers/", "https://sett.example/files/", "https://papers.s3.amazonaws.com/"), (pieces, prefix) => {
        const found = readFileKey(prefix + pieces.join("/"), places);
        if (found !== null) expect(found).toMatch(/^verifications\/[78]\/(?!\.{1,2}$)[^/\\%]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("keys", () => {
  it("say whose they are", () => {
    expect(ownerOfKey(fileKeyOf(42, "u-u", "a.png"))).toBe(42);
    for (const wrong of ["", "verifications/", "verifications/0/a", "verifications/x/a", "verifications/9999999999999999999/a"]) expect(ownerOfKey(wrong)).toBeNull();
  });

  it("carry a name that needs no quoting, with its extension", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 120 }), fc.constantFrom("jpg", "JPEG", "png", "heic", "pdf"), (stem, extension) => {
        const name = safeFilename(`${stem}.${extension}`);
        expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}\.[a-z]+$/);
        expect(contentTypeOf(name)).toBe(contentTypeOf(`x.${extension}`));
        expect(readFileKey(fileKeyOf(7, "u", `${stem}.${extension}`), places)).not.toBeNull();
      }),
    );
  });
});

describe("first bytes", () => {
  const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  it.each([
    ["image/jpeg", "\xff\xd8\xff\xe1Exif", true],
    ["image/jpeg", "\x89PNG\r\n\x1a\n", false],
    ["image/png", "\x89PNG\r\n\x1a\n\0\0\0\r", true],
    ["image/png", "\x89PNG", false],
    ["image/heic", "\0\0\0\x24ftypmif1", true],
    ["image/heic", "\0\0\0\x24ftypisom", false],
    ["application/pdf", "%PDF-1.4\n", true],
    ["application/pdf", " %PDF-1.4\n", false],
    ["text/html", "<html>", false],
  ])("of %s may be %j: %s", (type, text, expected) => {
    expect(matchesType(type, bytes(text))).toBe(expected);
  });
});

describe("grants", () => {
  const old = "old:b2xkLXRva2VuLWtleS1vbGQtdG9rZW4ta2V5LW9sZC0";
  const fresh = "new:bmV3LXRva2VuLWtleS1uZXctdG9rZW4ta2V5LW5ldy0";
  const ringOf = (text: string) => {
    const ring = parseKeyRing(text, 32);
    if (!ring) throw new Error(`the ring does not parse: ${text}`);
    return ring;
  };
  const grant: FileGrant = { op: "PUT", key, exp: 1_800_000_000, max: 100, type: "image/png" };
  const sigOf = (path: string) => new URL(path, "http://x").searchParams.get("sig") ?? "";

  it("hold for exactly what was signed, also after a rotation", async () => {
    const path = await signGrant(ringOf(old), grant);
    expect(path).toMatch(new RegExp(`^/files/${key}\\?op=PUT&exp=1800000000&max=100&type=image%2Fpng&sig=old\\.[\\w-]{43}$`));
    const sig = sigOf(path);
    expect(await isGrantGenuine(ringOf(`${fresh},${old}`), grant, sig)).toBe(true);
    expect(await isGrantGenuine(ringOf(fresh), grant, sig)).toBe(false);
    const others: FileGrant[] = [{ ...grant, op: "DELETE" }, { ...grant, key: `${key}x` }, { ...grant, exp: grant.exp + 1 }, { ...grant, max: null }, { ...grant, max: 101 }, { ...grant, type: null }];
    for (const other of others) expect(await isGrantGenuine(ringOf(old), other, sig)).toBe(false);
    for (const wrong of ["", "old", "old.", "old.%%", `${sig}.x`, sig.slice(0, -2), sig.replace("old.", "new.")]) expect(await isGrantGenuine(ringOf(`${fresh},${old}`), grant, wrong)).toBe(false);
  });
});
