import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createS3Store, presignS3 } from "../../../src/integrations/files/s3-store";
import type { S3Config } from "../../../src/kernel/config";
import type { PresignRequest } from "../../../src/kernel/ports/services";
import { startS3 } from "../../support/s3-double.mjs";

/** The hash that the other implementation wants handed in. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = secret === undefined ? undefined : toBytes(secret);
    this.#hash = key ? createHmac("sha256", key) : createHash("sha256");
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }
  reset(): void {
    throw new Error("never asked for");
  }
}

const toBytes = (data: string | ArrayBuffer | ArrayBufferView): Buffer =>
  typeof data === "string" ? Buffer.from(data) : data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** What the AWS SDK signs for the same request, as its query parameters. */
async function signedBySdk(config: S3Config, url: URL, request: PresignRequest): Promise<Record<string, unknown>> {
  const signer = new SignatureV4({ service: "s3", region: config.region, credentials: { accessKeyId: config.accessKeyId, secretAccessKey: config.secretAccessKey }, sha256: Sha256, uriEscapePath: false, applyChecksum: false });
  const { upload } = request;
  const extra = url.searchParams.get("response-content-disposition");
  const { query } = await signer.presign(
    {
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port ? { port: Number(url.port) } : {}),
      path: url.pathname,
      query: extra === null ? {} : { "response-content-disposition": extra },
      headers: {
        host: url.host,
        "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
        ...(upload ? { "content-type": upload.contentType, "content-length": String(upload.sizeBytes) } : {}),
      },
    },
    { expiresIn: request.expiresInSeconds, signingDate: new Date(request.signedAt), signableHeaders: new Set(["content-type", "content-length"]) },
  );
  return { ...query };
}

const config: S3Config = { endpoint: "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com", bucket: "papers", region: "auto", accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const key = "verifications/7/0b7f9d0e-7f0e-4c6e-9b0e-0123456789ab-passport.png";
const signedAt = Date.UTC(2026, 10, 21, 12, 30, 45, 678);

async function expectSame(settings: S3Config, request: PresignRequest): Promise<URL> {
  const url = new URL(await presignS3(settings, request));
  expect(Object.fromEntries(url.searchParams)).toEqual(await signedBySdk(settings, url, request));
  return url;
}

describe("addresses signed for S3", () => {
  it("are what the AWS SDK signs: an upload of one type and size", async () => {
    const url = await expectSame(config, { method: "PUT", key, signedAt, expiresInSeconds: 900, upload: { contentType: "image/png", sizeBytes: 12_345 } });
    expect(url.origin + url.pathname).toBe(`${config.endpoint}/papers/${key}`);
    expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("content-length;content-type;host");
    expect(url.searchParams.get("X-Amz-Credential")).toBe("AKIDEXAMPLE/20261121/auto/s3/aws4_request");
    expect(url.searchParams.get("X-Amz-Date")).toBe("20261121T123045Z");
  });

  it("are what the AWS SDK signs: reading and removing", async () => {
    await expectSame(config, { method: "GET", key, signedAt, expiresInSeconds: 604_800, downloadName: "passport.png" });
    await expectSame(config, { method: "GET", key, signedAt, expiresInSeconds: 60 });
    await expectSame(config, { method: "DELETE", key, signedAt, expiresInSeconds: 900 });
  });

  it("are what the AWS SDK signs: other regions, ports and secrets", async () => {
    for (const settings of [
      { ...config, region: "eu-north-1", endpoint: "https://s3.eu-north-1.amazonaws.com" },
      { ...config, endpoint: "http://localhost:9000" },
      { ...config, secretAccessKey: "other" },
    ]) {
      await expectSame(settings, { method: "PUT", key, signedAt, expiresInSeconds: 900, upload: { contentType: "application/pdf", sizeBytes: 1 } });
    }
  });

  it("are what the AWS SDK signs, whatever characters a key has", async () => {
    const name = fc.string({ unit: fc.constantFrom(..."abZ09-_.~ +'()!*&=:@äß漢".split("")), minLength: 1, maxLength: 20 }).filter((text) => !/^\.{1,2}$/.test(text));
    await fc.assert(
      fc.asyncProperty(name, fc.integer({ min: 0, max: 4e12 }), async (text, at) => {
        await expectSame(config, { method: "GET", key: `verifications/7/${text}`, signedAt: at, expiresInSeconds: 3_600 });
      }),
      { numRuns: 200 },
    );
  });

  it("change with every part of what is signed", async () => {
    const base: PresignRequest = { method: "PUT", key, signedAt, expiresInSeconds: 900, upload: { contentType: "image/png", sizeBytes: 10 } };
    const signatureOf = async (request: PresignRequest) => new URL(await presignS3(config, request)).searchParams.get("X-Amz-Signature");
    const others: PresignRequest[] = [
      { ...base, method: "DELETE" },
      { ...base, key: `${key}x` },
      { ...base, signedAt: signedAt + 1_000 },
      { ...base, expiresInSeconds: 901 },
      { ...base, upload: { contentType: "image/jpeg", sizeBytes: 10 } },
      { ...base, upload: { contentType: "image/png", sizeBytes: 11 } },
    ];
    const signatures = await Promise.all([base, ...others].map(signatureOf));
    expect(new Set(signatures).size).toBe(signatures.length);
  });

  it("come from the store under its own names", () => {
    const store = createS3Store(config);
    expect(store).toMatchObject({ bucket: "papers", endpoint: config.endpoint });
    expect(store.presign).not.toBeNull();
  });
});

describe("the keys of a prefix", () => {
  it("are listed by a call that the store takes for signed, and no others", async () => {
    const double = await startS3({ bucket: "papers", secret: config.secretAccessKey });
    try {
      const store = createS3Store({ ...config, endpoint: double.origin });
      const file = { type: "image/png", bytes: Buffer.from("x") };
      for (const name of ["verifications/7/a-b_c.png", "verifications/7/ä+&<b>.png", "verifications/71/a.png"]) double.files.set(name, file);
      expect(await store.list("verifications/7/")).toEqual(["verifications/7/a-b_c.png", "verifications/7/ä+&<b>.png"]);
      expect(await store.list("verifications/8/")).toEqual([]);
      double.refuse(true);
      await expect(store.list("verifications/7/")).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    } finally {
      double.close();
    }
  });
});
