import { X509Certificate } from "node:crypto";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readCertificate, verifyChain } from "../../../src/integrations/apple/certificates";
import { DerError, partsOf, readBits, readBoolean, readDer, readOne, readTime, readUnsigned, TAG } from "../../../src/integrations/apple/der";
import { isSignedData, verifySignedData } from "../../../src/integrations/apple/signed-data";
import { createAuthority, issue, issueChain, signJws, toBase64, type Authority, type Wish } from "../../support/apple/authority.mjs";
import { extension, join, tlv } from "../../support/apple/der.mjs";
import { REAL_CHAIN, REAL_CHAIN_TIME } from "../../support/apple/real-chain.mjs";

const APPLE_ROOT_SHA256 = "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179";
const DAY_MS = 86_400_000;
const bytes = (...values: number[]) => new Uint8Array(values);
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

let apple: Authority;
let now: number;
beforeAll(async () => {
  now = Date.now();
  apple = await createAuthority();
});

/** What a chain that differs from Apple's in one point is taken for, when its own root is the pinned one. */
async function verdictOf(wishes: { root?: Wish; intermediate?: Wish; leaf?: Wish }, change: (x5c: string[]) => readonly string[] = (x5c) => x5c) {
  const authority = await createAuthority(wishes);
  const jws = await authority.sign({ signedDate: now }, { x5c: change([...authority.x5c]) });
  const verdict = await verifySignedData(jws, { rootSha256: authority.rootSha256, now });
  return verdict.kind === "ok" ? "ok" : verdict.reason;
}

describe("certificates", () => {
  it("reads what another reader reads", async () => {
    const chain = await issueChain({ leaf: { notAfter: Date.UTC(2051, 0, 2, 3, 4, 5) } });
    for (const { der } of [...Object.values(chain), ...REAL_CHAIN.map((text) => ({ der: fromBase64(text) }))]) {
      const [ours, theirs] = [readCertificate(der), new X509Certificate(der)];
      expect([ours.notBefore, ours.notAfter]).toEqual([Date.parse(theirs.validFrom), Date.parse(theirs.validTo)]);
      expect(ours.isCa).toBe(theirs.ca);
      expect(toBase64(ours.publicKey)).toBe(theirs.publicKey.export({ type: "spki", format: "der" }).toString("base64"));
    }
    expect(new X509Certificate(chain.leaf.der).verify(new X509Certificate(chain.intermediate.der).publicKey)).toBe(true);
    expect(new X509Certificate(chain.intermediate.der).checkIssued(new X509Certificate(chain.root.der))).toBe(true);
  });

  it("takes Apple's own chain under Apple's root, in its time", async () => {
    const chain = REAL_CHAIN.map(fromBase64);
    expect(await verifyChain(chain, APPLE_ROOT_SHA256, [REAL_CHAIN_TIME])).toMatchObject({ kind: "ok" });
    expect(await verifyChain(chain, APPLE_ROOT_SHA256, [REAL_CHAIN_TIME, Date.UTC(2027, 10, 1)])).toEqual({ kind: "invalid", reason: "certificate_expired" });
    expect(await verifyChain(chain, apple.rootSha256, [REAL_CHAIN_TIME])).toEqual({ kind: "invalid", reason: "untrusted_root" });
    for (const at of chain.keys()) {
      const changed = chain.map((der, index) => (index === at ? der.with(der.length - 1, (der.at(-1) ?? 0) ^ 1) : der));
      expect(await verifyChain(changed, APPLE_ROOT_SHA256, [REAL_CHAIN_TIME]), String(at)).toMatchObject({ kind: "invalid" });
    }
  });

  it("refuses every certificate with a bit changed, and never fails otherwise", async () => {
    const chain = REAL_CHAIN.map(fromBase64);
    await fc.assert(
      fc.asyncProperty(fc.nat(1), fc.nat(), fc.nat(7), async (which, place, bit) => {
        const der = chain[which] ?? bytes();
        const at = place % der.length;
        const changed = chain.map((one, index) => (index === which ? der.with(at, (der[at] ?? 0) ^ (1 << bit)) : one));
        expect(await verifyChain(changed, APPLE_ROOT_SHA256, [REAL_CHAIN_TIME])).toMatchObject({ kind: "invalid" });
      }),
      { numRuns: 400 },
    );
  });

  it("refuses every certificate cut short or with something after it", () => {
    const der = fromBase64(REAL_CHAIN[0] ?? "");
    for (let length = 0; length < der.length; length++) expect(() => readCertificate(der.slice(0, length))).toThrow(DerError);
    expect(() => readCertificate(Uint8Array.from([...der, 0]))).toThrow(DerError);
    expect(() => readCertificate(new Uint8Array(9_000))).toThrow(DerError);
  });

  it("makes an error of its own of any bytes", () => {
    const der = fromBase64(REAL_CHAIN[0] ?? "");
    const splice = fc.tuple(fc.nat(der.length), fc.nat(40), fc.uint8Array({ maxLength: 40 })).map(([at, gone, put]) => Uint8Array.from([...der.slice(0, at), ...put, ...der.slice(at + gone)]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), splice), (input) => {
        try {
          readCertificate(Uint8Array.from(input));
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("DER", () => {
  it("reads back what was written", () => {
    const content = fc.oneof(fc.nat(300), fc.integer({ min: 0xff00, max: 0xffff })).map((size) => new Uint8Array(size).fill(0xff));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...Object.values(TAG)), content), { maxLength: 3 }), (values) => {
        const written = join(...values.map(([tag, inner]) => tlv(tag, inner)));
        expect(readDer(written).map(({ tag, content: { length } }) => [tag, length])).toEqual(values.map(([tag, { length }]) => [tag, length]));
      }),
    );
  });

  it.each([
    ["a length without end", bytes(0x30, 0x80, 0x00, 0x00)],
    ["a length of three bytes", bytes(0x04, 0x83, 0x00, 0x00, 0x01, 0xff)],
    ["a long form where the short would do", bytes(0x04, 0x81, 0x01, 0xff)],
    ["a length that begins with zero", Uint8Array.from([0x04, 0x82, 0x00, 0x80, ...new Uint8Array(128)])],
    ["a length beyond the end", bytes(0x04, 0x02, 0xff)],
    ["a tag alone", bytes(0x04)],
    ["a length cut short", bytes(0x04, 0x82, 0x01)],
    ["a tag of several bytes", bytes(0x1f, 0x81, 0x00, 0x00)],
  ])("refuses %s", (_, input) => {
    expect(() => readDer(input)).toThrow(DerError);
  });

  it("refuses values of another kind, size or number", () => {
    const one = (tag: number, ...content: number[]) => readOne(tlv(tag, content), tag);
    expect(() => readOne(tlv(TAG.integer, [1]), TAG.oid)).toThrow(DerError);
    expect(() => readOne(bytes(), TAG.oid)).toThrow(DerError);
    expect(() => partsOf(one(TAG.sequence, 0x02, 0x01, 0x01)).take(TAG.oid)).toThrow(DerError);
    expect(() => partsOf(one(TAG.sequence, 0x02, 0x01, 0x01)).end()).toThrow(DerError);
    expect(() => readBoolean(one(TAG.boolean, 0x01))).toThrow(DerError);
    expect(() => readBoolean(one(TAG.boolean))).toThrow(DerError);
    expect(() => readBits(one(TAG.bitString, 0x01, 0xfe))).toThrow(DerError);
    for (const content of [[], [0x80], [0x00, 0x7f], [0x01, 0x02, 0x03]]) expect(() => readUnsigned(one(TAG.integer, ...content), 2), String(content)).toThrow(DerError);
    expect([...readUnsigned(one(TAG.integer, 0x00, 0x80), 2)]).toEqual([0, 0x80]);
  });

  it("reads times, and none that never are", () => {
    const at = (text: string, tag: number = TAG.utcTime) => readTime(readOne(tlv(tag, [...text].map((char) => char.charCodeAt(0))), tag));
    expect([at("491231235959Z"), at("500101000000Z"), at("20500101000000Z", TAG.generalizedTime)]).toEqual([Date.UTC(2049, 11, 31, 23, 59, 59), Date.UTC(1950, 0, 1), Date.UTC(2050, 0, 1)]);
    for (const text of ["260230000000Z", "261301000000Z", "260101240000Z", "260101000000+0100", "2601010000Z", "20260101000000Z", ""]) expect(() => at(text), text).toThrow(DerError);
  });
});

describe("signed data", () => {
  it("gives the payload of what the pinned authority signed", async () => {
    const jws = await apple.sign({ signedDate: now, words: "größer" });
    expect(isSignedData(jws)).toBe(true);
    expect(await verifySignedData(jws, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "ok", payload: { signedDate: now, words: "größer" }, signedAt: now });
  });

  it("knows receipts and other texts from signed data", () => {
    for (const text of ["", "MIIT", "a.b.c", "..", "e30.e30", "e30.e30.x.y", "W10.e30.x", "bnVsbA.e30.x"]) expect(isSignedData(text), text).toBe(false);
    expect(isSignedData("e30.e30.x")).toBe(true);
  });

  it("refuses another authority's, however well made", async () => {
    const forger = await createAuthority();
    const forged = await forger.sign({ signedDate: now });
    expect(await verifySignedData(forged, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "untrusted_root" });
    // Apple's root in the last place, the forger's chain below.
    const grafted = await forger.sign({ signedDate: now }, { x5c: [...forger.x5c.slice(0, 2), apple.x5c[2] ?? ""] });
    expect(await verifySignedData(grafted, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "chain" });
    // The forger's leaf below Apple's intermediate, and Apple's leaf over the forger's key.
    const swapped = await forger.sign({ signedDate: now }, { x5c: [forger.x5c[0] ?? "", ...apple.x5c.slice(1)] });
    expect(await verifySignedData(swapped, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "chain" });
    const borrowed = await forger.sign({ signedDate: now }, { x5c: apple.x5c });
    expect(await verifySignedData(borrowed, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "signature" });
  });

  it("refuses a payload, header or signature that was changed", async () => {
    const [header = "", payload = "", signature = ""] = (await apple.sign({ signedDate: now, productId: "pro" })).split(".");
    const other = (await apple.sign({ signedDate: now, productId: "max" })).split(".")[1] ?? "";
    for (const jws of [`${header}.${other}.${signature}`, `${header}.${payload}.${"A".repeat(86)}`, `${header}.${payload}.`]) {
      expect(await verifySignedData(jws, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "signature" });
    }
  });

  it.each([{ alg: "none" }, { alg: "RS256" }, { alg: "HS256" }, { alg: "ES384" }, { alg: undefined }])("refuses the algorithm of $alg", async (header) => {
    const jws = await apple.sign({ signedDate: now }, { header });
    for (const text of [jws, jws.replace(/[^.]*$/, "")]) expect(await verifySignedData(text, { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "algorithm" });
  });

  it("refuses what is no chain of three in order", async () => {
    const [leaf = "", intermediate = "", root = ""] = apple.x5c;
    const chains = [[], [leaf], [leaf, root], [leaf, intermediate], [leaf, intermediate, root, root], [root, intermediate, leaf], [intermediate, leaf, root], [leaf, leaf, root], [root, root, root], [intermediate, intermediate, root], [` ${leaf}`, intermediate, root], ["AAAA", intermediate, root]];
    for (const x5c of chains) {
      const verdict = await verifySignedData(await apple.sign({ signedDate: now }, { x5c }), { rootSha256: apple.rootSha256, now });
      expect(verdict, JSON.stringify(x5c.map((one) => one.length))).toMatchObject({ kind: "invalid", reason: expect.stringMatching(/^(chain|untrusted_root)$/) });
    }
    for (const x5c of [null, "chain", [1, 2, 3], undefined]) {
      expect(await verifySignedData(await apple.sign({ signedDate: now }, { header: { x5c } }), { rootSha256: apple.rootSha256, now })).toEqual({ kind: "invalid", reason: "chain" });
    }
  });

  it.each<[string, string, { root?: Wish; intermediate?: Wish; leaf?: Wish }]>([
    ["Apple's shape", "ok", {}],
    ["usages left open", "ok", { leaf: { usage: null }, intermediate: { usage: null } }],
    ["a leaf without Apple's marker", "chain", { leaf: { marker: null } }],
    ["a leaf with another marker", "chain", { leaf: { marker: "1.2.840.113635.100.6.11.2" } }],
    ["an intermediate without Apple's marker", "chain", { intermediate: { marker: null } }],
    ["markers the wrong way round", "chain", { leaf: { marker: "1.2.840.113635.100.6.2.1" }, intermediate: { marker: "1.2.840.113635.100.6.11.1" } }],
    ["a leaf that is an authority", "chain", { leaf: { isCa: true } }],
    ["an intermediate that is none", "chain", { intermediate: { isCa: false, usage: 0x06 } }],
    ["an intermediate that may not sign certificates", "chain", { intermediate: { usage: 0x80 } }],
    ["a leaf that may not sign", "chain", { leaf: { usage: 0x08 } }],
    ["a leaf that names another issuer", "chain", { leaf: { claimsIssuer: "Test Root CA - G3" } }],
    ["an intermediate that names another issuer", "chain", { intermediate: { claimsIssuer: "Somebody" } }],
    ["a leaf with a key on another curve", "chain", { leaf: { curve: "P-384" } }],
    ["a root that is no authority", "chain", { root: { isCa: false, usage: 0x06 } }],
    ["a root that may not sign certificates", "chain", { root: { usage: 0x80 } }],
    ["two signature algorithms in one certificate", "chain", { leaf: { claimsCurve: "P-256" } }],
    ["a critical extension nobody knows", "chain", { leaf: { extensions: [extension("1.2.3.4", true, tlv(0x05))] } }],
    ["an extension twice", "chain", { leaf: { extensions: [extension("2.5.29.19", true, tlv(0x30))] } }],
    ["an expired leaf", "certificate_expired", { leaf: { notAfter: Date.now() - DAY_MS } }],
    ["an expired intermediate", "certificate_expired", { intermediate: { notAfter: Date.now() - DAY_MS } }],
    ["an expired root", "certificate_expired", { root: { notAfter: Date.now() - DAY_MS } }],
    ["a leaf of tomorrow", "certificate_expired", { leaf: { notBefore: Date.now() + DAY_MS } }],
  ])("takes %s for %s", async (_, verdict, wishes) => {
    expect(await verdictOf(wishes)).toBe(verdict);
  });

  it("refuses an intermediate's key below another root of the same name", async () => {
    const { intermediate, leaf } = await issueChain();
    const root = await issue({ subject: "Test Root CA - G3", curve: "P-384", isCa: true }, null);
    const rootSha256 = Buffer.from(await crypto.subtle.digest("SHA-256", root.der)).toString("hex");
    const jws = await signJws({ signedDate: now }, { x5c: [leaf, intermediate, root].map(({ der }) => toBase64(der)), key: leaf.keys.privateKey });
    expect(await verifySignedData(jws, { rootSha256, now })).toEqual({ kind: "invalid", reason: "chain" });
  });

  it("wants the certificates valid when it was signed and still now", async () => {
    const authority = await createAuthority({ leaf: { notBefore: now - 10 * DAY_MS, notAfter: now + 10 * DAY_MS } });
    const at = async (signedDate: unknown, time = now) => {
      const verdict = await verifySignedData(await authority.sign({ signedDate }), { rootSha256: authority.rootSha256, now: time });
      return verdict.kind === "ok" ? "ok" : verdict.reason;
    };
    expect(await at(now - 9 * DAY_MS)).toBe("ok");
    expect(await at(now - 11 * DAY_MS)).toBe("certificate_expired");
    expect(await at(now, now + 11 * DAY_MS)).toBe("certificate_expired");
    expect(await at(now + 60_000)).toBe("ok");
    for (const signedDate of [now + DAY_MS, undefined, null, "now", 0, -1, 1.5]) expect(await at(signedDate), String(signedDate)).toBe("signing_time");
  });

  it("refuses what is no signed data, without a failure", async () => {
    for (const text of ["", "..", "a.b.c", "e30.e30.e30.e30", "W10.W10.W10", `${"A".repeat(200_000)}.e30.e30`]) {
      expect(await verifySignedData(text, { rootSha256: apple.rootSha256, now }), text.slice(0, 20)).toMatchObject({ kind: "invalid" });
    }
    await fc.assert(fc.asyncProperty(fc.string(), fc.json(), async (header, payload) => {
      const jws = [header, payload, "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");
      expect(await verifySignedData(jws, { rootSha256: apple.rootSha256, now })).toMatchObject({ kind: "invalid" });
    }));
  });
});
