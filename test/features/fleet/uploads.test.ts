import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, expectStatus, send, signUpUser, uniqueIp, type TestUser } from "../../support/client";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB, FILES } = bindings;

const MAX_BYTES = 10 * 1024 * 1024;
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 1, 2, 3);
const START: Readonly<Record<string, readonly [string, Uint8Array]>> = {
  "photo.png": ["image/png", PNG],
  "photo.JPG": ["image/jpeg", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8)],
  "photo.jpeg": ["image/jpeg", Uint8Array.of(0xff, 0xd8, 0xff, 0xdb, 1, 2, 3, 4, 5, 6, 7, 8)],
  "photo.heic": ["image/heic", new TextEncoder().encode("\0\0\0\x18ftypheic")],
  "paper.pdf": ["application/pdf", new TextEncoder().encode("%PDF-1.7\n%…")],
};

interface UploadUrl {
  readonly upload_url: string;
  readonly file_url: string;
  readonly max_bytes: number;
}

let user: TestUser;
let other: TestUser;
let admin: TestUser;

beforeAll(async () => {
  [user, other, admin] = [await signUpUser(), await signUpUser(), await signUpUser()];
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});

const uploadUrl = (filename: string, token = user.accessToken, more = "") => expectStatus<UploadUrl>(200, "GET", `/api/v1/upload-url?filename=${encodeURIComponent(filename)}${more}`, { token });
const pathOf = (url: string): string => url.slice(BASE_URL.length);
const keyOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice("/files/".length));
const documentUrl = (document_url: string, expiration?: number) => api<{ presigned_url: string; key: string; bucket: string; expires_at: string }>("POST", "/api/v1/admin/verification-document-url", { token: admin.accessToken, body: { document_url, expiration } });
const deleteUrl = (file_url: string, token = user.accessToken) => api<{ delete_url: string; upload_url: string }>("POST", "/api/v1/upload/delete-presigned-url", { token, body: { file_url } });

/** Sends raw bytes through the whole worker, as a browser would. */
async function put(url: string, bytes: Uint8Array | ReadableStream<Uint8Array>, headers: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
  const length = bytes instanceof Uint8Array ? { "content-length": String(bytes.byteLength) } : {};
  const request = new Request(url, { method: "PUT", body: bytes as BodyInit, headers: { "cf-connecting-ip": uniqueIp(), ...length, ...headers } });
  const response = await fetchUnder(request, bindings, { waitUntil: () => undefined });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Signs an upload and sends it. */
async function store(filename = "photo.png", bytes = PNG, type = "image/png"): Promise<UploadUrl> {
  const urls = await uploadUrl(filename);
  expect(await put(urls.upload_url, bytes, { "content-type": type })).toMatchObject({ status: 200 });
  return urls;
}

/** The same address with one query parameter changed. */
function tampered(url: string, name: string, value: string): string {
  const changed = new URL(url);
  changed.searchParams.set(name, value);
  return changed.href;
}

describe("uploading a document", () => {
  it.each(Object.entries(START))("takes %s as what it is, and only an administrator reads it", async (filename, [type, bytes]) => {
    const urls = await uploadUrl(filename, user.accessToken, "&matrix_id=%40ada%3Asett.test");
    expect(urls.max_bytes).toBe(MAX_BYTES);
    const key = keyOf(urls.file_url);
    expect(key).toMatch(new RegExp(`^verifications/${user.userId}/[0-9a-f-]{36}-[a-z]+\\.[a-z]+$`));
    expect(keyOf(urls.upload_url)).toBe(key);
    expect((await send("GET", pathOf(urls.file_url))).status).toBe(422);

    expect(await put(urls.upload_url, bytes, { "content-type": type })).toMatchObject({ status: 200, body: { key, size_bytes: bytes.byteLength, content_type: type } });
    const { status, body } = await documentUrl(urls.file_url, 60);
    expect(status).toBe(200);
    expect(body).toMatchObject({ key, bucket: "sett-files" });
    expect(Math.abs(Date.parse(body.expires_at) - Date.now() - 60_000)).toBeLessThan(5_000);

    const response = await send("GET", pathOf(body.presigned_url));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="[\w.-]+"$/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    expect(response.headers.get("cache-control")).toContain("no-store");

    const { results } = await DB.prepare("SELECT action, tenant_id, actor_id FROM audit_log WHERE subject_id = ? ORDER BY id").bind(key).all();
    expect(results).toEqual([
      { action: "file.store", tenant_id: user.userId, actor_id: null },
      { action: "document.open", tenant_id: user.userId, actor_id: String(admin.userId) },
    ]);
  });

  it("makes safe names of strange ones, and takes no other kinds", async () => {
    for (const [filename, ending] of [["../../etc/päss wörd.PNG", "-pass-word.png"], ["a\\b\\c.pdf", "-c.pdf"], ["….jpg", "-file.jpg"], [`${"x".repeat(200)}.heic`, `-${"x".repeat(80)}.heic`]] as const) {
      const { file_url } = await uploadUrl(filename);
      expect(keyOf(file_url).slice(`verifications/${user.userId}/`.length + 36)).toBe(ending);
    }
    for (const filename of ["run.exe", "page.svg", "png", "photo.png.html", "photo.", "a.heif"]) {
      const answer = await api("GET", `/api/v1/upload-url?filename=${filename}`, { token: user.accessToken });
      expect(answer).toMatchObject({ status: 422, body: { detail: [{ loc: ["query", "filename"] }] } });
    }
    for (const query of ["", "?filename=", "?filename=a.png&size_bytes=0", `?filename=a.png&size_bytes=${MAX_BYTES + 1}`]) {
      expect((await api("GET", `/api/v1/upload-url${query}`, { token: user.accessToken })).status).toBe(422);
    }
  });

  it("holds an upload to its type, its first bytes and its size", async () => {
    const { upload_url: url } = await uploadUrl("photo.png");
    const type = { "content-type": "image/png" };
    expect(await put(url, PNG, { "content-type": "image/jpeg" })).toMatchObject({ status: 415, body: { code: "unsupported_media_type" } });
    expect(await put(url, PNG, { "content-type": "text/html" })).toMatchObject({ status: 415 });
    expect(await put(url, new TextEncoder().encode("<script>alert(1)</script>"), type)).toMatchObject({ status: 415 });
    expect(await put(url, new Uint8Array(0), type)).toMatchObject({ status: 415 });
    expect(await put(url, PNG.subarray(0, 4), type)).toMatchObject({ status: 415 });
    expect(await put(url, PNG, { ...type, "content-length": String(MAX_BYTES + 1) })).toMatchObject({ status: 413, body: { code: "payload_too_large", max_bytes: MAX_BYTES } });
    expect(await put(url, new ReadableStream({ start: (c) => (c.enqueue(PNG), c.close()) }), type)).toMatchObject({ status: 411, body: { code: "length_required" } });
    expect(await FILES.head(keyOf(url))).toBeNull();
  });

  it("keeps nothing of a body that is longer or shorter than it says, and what was there before stays", async () => {
    const { upload_url: url } = await store();
    const before = await FILES.head(keyOf(url));
    const type = { "content-type": "image/png" };
    for (const length of [PNG.byteLength - 1, PNG.byteLength + 1]) {
      expect(await put(url, PNG, { ...type, "content-length": String(length) })).toMatchObject({ status: 400, body: { code: "malformed_request" } });
    }
    expect((await FILES.head(keyOf(url)))?.etag).toBe(before?.etag);
  });

  it("holds a signed size, when the caller named one", async () => {
    const { upload_url: url } = await uploadUrl("photo.png", user.accessToken, "&size_bytes=15");
    expect(await put(url, new Uint8Array([...PNG, 1]), { "content-type": "image/png" })).toMatchObject({ status: 413, body: { max_bytes: 15 } });
    expect(await put(url, PNG, { "content-type": "image/png" })).toMatchObject({ status: 200 });
  });

  it("streams a file of the largest size", async () => {
    const { upload_url: url } = await uploadUrl("photo.png");
    let left = MAX_BYTES;
    const chunk = new Uint8Array(64 * 1024);
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = left === MAX_BYTES ? PNG : chunk.subarray(0, Math.min(chunk.byteLength, left));
        left -= piece.byteLength;
        controller.enqueue(piece);
        if (left === 0) controller.close();
      },
    });
    expect(await put(url, stream, { "content-type": "image/png", "content-length": String(MAX_BYTES) })).toMatchObject({ status: 200, body: { size_bytes: MAX_BYTES } });
    expect((await FILES.head(keyOf(url)))?.size).toBe(MAX_BYTES);
    await FILES.delete(keyOf(url));
  });
});

describe("signed addresses", () => {
  it("open nothing once any part of them is changed", async () => {
    const { upload_url: url } = await store();
    const type = { "content-type": "image/png" };
    const changed = [
      tampered(url, "max", String(1)),
      tampered(url, "exp", String(Math.floor(Date.now() / 1000) + 999_999)),
      tampered(url, "type", "image/jpeg"),
      tampered(url, "sig", "t1.AAAA"),
      tampered(url, "sig", `other.${new URL(url).searchParams.get("sig")?.split(".")[1]}`),
      tampered(url, "sig", ""),
      url.replace(`/${user.userId}/`, `/${other.userId}/`),
      url.replace("-photo.png", "-other.png"),
    ];
    for (const address of changed) expect(await put(address, PNG, type), address).toMatchObject({ status: 403, body: { code: "signed_url_invalid" } });
    // What is signed to upload neither reads nor removes.
    for (const method of ["GET", "DELETE"]) {
      expect((await api(method, pathOf(url))).status).toBe(422);
      expect(await api(method, pathOf(tampered(url, "op", method)))).toMatchObject({ status: 403, body: { code: "signed_url_invalid" } });
    }
  });

  it("to read do not remove, and the other way about", async () => {
    const { file_url } = await store();
    const { body: read } = await documentUrl(file_url);
    const { body: remove } = await deleteUrl(file_url);
    expect((await api("DELETE", pathOf(read.presigned_url))).status).toBe(403);
    expect((await api("DELETE", pathOf(tampered(read.presigned_url, "op", "DELETE")))).status).toBe(403);
    expect((await api("GET", pathOf(remove.delete_url))).status).toBe(403);
    expect((await api("GET", pathOf(tampered(remove.delete_url, "op", "GET")))).status).toBe(403);
    expect((await send("GET", pathOf(read.presigned_url))).status).toBe(200);
  });

  it("end with their time", async () => {
    const { signGrant } = await import("../../../src/fleet/uploads/file-grant");
    const { readEnv } = await import("../../../src/env");
    const { upload_url } = await store();
    const key = keyOf(upload_url);
    const exp = Math.floor(Date.now() / 1000) - 1;
    const late = (op: "PUT" | "GET" | "DELETE") => signGrant(readEnv(bindings).tokenKeys, { op, key, exp, max: op === "PUT" ? 100 : null, type: op === "PUT" ? "image/png" : null });
    expect(await put(`${BASE_URL}${await late("PUT")}`, PNG, { "content-type": "image/png" })).toMatchObject({ status: 403, body: { code: "signed_url_expired" } });
    expect(await api("GET", await late("GET"))).toMatchObject({ status: 403, body: { code: "signed_url_expired" } });
    expect(await api("DELETE", await late("DELETE"))).toMatchObject({ status: 403, body: { code: "signed_url_expired" } });
    expect(await FILES.head(key)).not.toBeNull();
  });
});

describe("removing a document", () => {
  it("is its owner's, works twice, and lets another take its place", async () => {
    const { file_url } = await store();
    const key = keyOf(file_url);
    const { body } = await deleteUrl(file_url);
    expect((await api("DELETE", pathOf(body.delete_url))).status).toBe(204);
    expect(await FILES.head(key)).toBeNull();
    expect((await api("DELETE", pathOf(body.delete_url))).status).toBe(204);
    expect(await api("GET", pathOf((await documentUrl(file_url)).body.presigned_url))).toMatchObject({ status: 404 });
    expect(await put(body.upload_url, PNG, { "content-type": "image/png" })).toMatchObject({ status: 200, body: { key } });
  });

  it("answers somebody else's file as a missing one, and an administrator's own rights end there", async () => {
    const { file_url } = await store();
    const missing = await deleteUrl(`verifications/${user.userId + 100_000}/none.png`);
    for (const token of [other.accessToken, admin.accessToken]) {
      const { status, body } = await deleteUrl(file_url, token);
      expect(status).toBe(404);
      expect((body as unknown as Record<string, unknown>)["detail"]).toBe((missing.body as unknown as Record<string, unknown>)["detail"]);
    }
    expect(await FILES.head(keyOf(file_url))).not.toBeNull();
  });
});

describe("reading by an administrator", () => {
  it("takes every way to write an address of ours, and nothing else", async () => {
    const { file_url } = await store();
    const key = keyOf(file_url);
    for (const address of [key, `s3://sett-files/${key}`, `https://sett-files.s3.eu-north-1.amazonaws.com/${key}`, `https://s3.amazonaws.com/sett-files/${key}?X-Amz-Signature=0`, file_url]) {
      expect(await documentUrl(address), address).toMatchObject({ status: 200, body: { key } });
    }
    for (const address of [`s3://other/${key}`, `https://evil.example/files/${key}`, `/${key}`, `../${key}`, "https://sett.test/files/verifications/1/%2e%2e", "https://sett.test/files/other/1/a.png"]) {
      expect(await documentUrl(address), address).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "document_url"] }] } });
    }
  });

  it("bounds the life of the address", async () => {
    for (const expiration of [59, 604_801, 60.5]) expect((await documentUrl("verifications/1/a.png", expiration)).status).toBe(422);
    for (const expiration of [60, 604_800]) expect((await documentUrl("verifications/1/a.png", expiration)).status).toBe(200);
  });

  it("is for administrators", async () => {
    const { status, body } = await api("POST", "/api/v1/admin/verification-document-url", { token: user.accessToken, body: { document_url: "verifications/1/a.png" } });
    expect({ status, code: body["code"] }).toEqual({ status: 403, code: "forbidden" });
  });
});

describe("with an S3 store", () => {
  const withS3 = { ...bindings, S3_ENDPOINT: "https://store.example", S3_BUCKET: "papers", S3_ACCESS_KEY_ID: "key-id", S3_SECRET_ACCESS_KEY: "key-secret" };
  const call = async (method: string, path: string, token: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "cf-connecting-ip": uniqueIp() };
    const response = await fetchUnder(new Request(`${BASE_URL}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }), withS3, { waitUntil: () => undefined });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };

  it("signs for the store itself when the size is known, and takes other uploads itself", async () => {
    const known = await call("GET", "/api/v1/upload-url?filename=a.png&size_bytes=15", user.accessToken);
    const url = new URL(known.body["upload_url"] ?? "");
    expect(url.origin).toBe("https://store.example");
    expect(url.pathname).toMatch(new RegExp(`^/papers/verifications/${user.userId}/`));
    expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("content-length;content-type;host");
    expect(url.searchParams.get("X-Amz-Expires")).toBe("900");
    expect(known.body["file_url"]).toBe(`${url.origin}${url.pathname}`);
    const unknown = await call("GET", "/api/v1/upload-url?filename=a.png", user.accessToken);
    expect(unknown.body["upload_url"]).toMatch(/^https:\/\/sett\.test\/files\//);
    expect(unknown.body["file_url"]).toMatch(/^https:\/\/store\.example\/papers\//);
  });

  it("signs reading and removing, and says when the store does not take an upload", async () => {
    const key = `verifications/${user.userId}/x-a.png`;
    const read = await call("POST", "/api/v1/admin/verification-document-url", admin.accessToken, { document_url: `s3://papers/${key}`, expiration: 120 });
    expect(read.body).toMatchObject({ bucket: "papers", key });
    const url = new URL(read.body["presigned_url"] ?? "");
    expect(url.searchParams.get("X-Amz-Expires")).toBe("120");
    expect(url.searchParams.get("response-content-disposition")).toBe('attachment;filename="x-a.png"');
    const remove = await call("POST", "/api/v1/upload/delete-presigned-url", user.accessToken, { file_url: `https://papers.store.example/${key}` });
    expect(new URL(remove.body["delete_url"] ?? "").pathname).toBe(`/papers/${key}`);

    const upload = new Request(remove.body["upload_url"] ?? "", { method: "PUT", body: PNG, headers: { "content-type": "image/png", "content-length": String(PNG.byteLength) } });
    const refused = await fetchUnder(upload, withS3, { waitUntil: () => undefined });
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
  });

  it("refuses half a configuration", async () => {
    const response = await fetchUnder(new Request(`${BASE_URL}/health`), { ...bindings, S3_BUCKET: "papers" }, { waitUntil: () => undefined });
    expect(await response.json()).toMatchObject({ code: "bad_environment" });
  });
});
