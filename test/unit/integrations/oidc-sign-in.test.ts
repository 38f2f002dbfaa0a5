import { createServer, type Server } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { signIn } from "../../../src/integrations/oidc/sign-in";
import type { SignInProvider } from "../../../src/kernel/ports/sign-in";
import { answerAs, startIssuer } from "../../support/issuer.mjs";

const REDIRECT = "http://127.0.0.1:9/api/v1/auth/callback";

type Issuer = Awaited<ReturnType<typeof startIssuer>>;
let issuer: Issuer;
let other: Issuer;
const people = { ada: { email: "Ada@example.org", email_verified: true, name: "Ada" }, bob: { email: "bob@example.org", email_verified: false }, eve: {} };

beforeAll(async () => {
  vi.spyOn(console, "info").mockReturnValue(undefined);
  vi.spyOn(console, "warn").mockReturnValue(undefined);
  issuer = await startIssuer({ redirectUris: [REDIRECT], people });
  other = await startIssuer({ redirectUris: [REDIRECT], people, codeSeconds: 1, claimsInIdToken: true });
});
afterAll(async () => {
  await Promise.all([issuer.stop(), other.stop()]);
});

const providerOf = ({ origin, clientId, clientSecret }: Issuer, changes: Partial<SignInProvider> = {}): SignInProvider => ({ issuer: origin, clientId, clientSecret, scopes: "openid email profile", allowHttp: true, ...changes });

describe("signing in at a real issuer", () => {
  it("brings the person, with the address from userinfo", async () => {
    const provider = providerOf(issuer);
    const { url, attempt } = await signIn.begin(provider, REDIRECT);
    expect(new URL(url).searchParams.get("code_challenge_method")).toBe("S256");
    expect(url).not.toContain(attempt.verifier);
    const outcome = await signIn.finish(provider, attempt, await answerAs(url, "ada", REDIRECT));
    expect(outcome).toEqual({ kind: "person", person: { issuer: issuer.origin, subject: "ada", email: "Ada@example.org", emailVerified: true, name: "Ada", picture: null } });
  });

  it("brings the person, with the address from the identity token", async () => {
    const provider = providerOf(other);
    const { url, attempt } = await signIn.begin(provider, REDIRECT);
    expect(await signIn.finish(provider, attempt, await answerAs(url, "bob", REDIRECT))).toMatchObject({ kind: "person", person: { email: "bob@example.org", emailVerified: false } });
  });

  it("says when the issuer knows no address", async () => {
    const provider = providerOf(issuer);
    const { url, attempt } = await signIn.begin(provider, REDIRECT);
    expect(await signIn.finish(provider, attempt, await answerAs(url, "eve", REDIRECT))).toMatchObject({ kind: "person", person: { subject: "eve", email: null, emailVerified: null } });
  });

  it("makes every attempt anew", async () => {
    const [one, two] = await Promise.all([signIn.begin(providerOf(issuer), REDIRECT), signIn.begin(providerOf(issuer), REDIRECT)]);
    for (const name of ["state", "nonce", "verifier"] as const) expect(one.attempt[name]).not.toBe(two.attempt[name]);
  });
});

describe("answers that do not belong to the attempt", () => {
  const begun = async () => {
    const provider = providerOf(issuer);
    const { url, attempt } = await signIn.begin(provider, REDIRECT);
    return { provider, attempt, answer: await answerAs(url, "ada", REDIRECT) };
  };
  const changed = (answer: URLSearchParams, name: string, value: string | null) => {
    const copy = new URLSearchParams(answer);
    if (value === null) copy.delete(name);
    else copy.set(name, value);
    return copy;
  };

  it("are refused: another state, nonce, verifier, issuer; no code; a code twice", async () => {
    const { provider, attempt, answer } = await begun();
    expect(answer.get("iss")).toBe(issuer.origin);
    const attempts = [
      [attempt, changed(answer, "state", "another")],
      [attempt, changed(answer, "state", null)],
      [attempt, changed(answer, "iss", other.origin)],
      [attempt, changed(answer, "iss", null)],
      [attempt, changed(answer, "code", null)],
      [attempt, changed(answer, "code", "forged")],
      [attempt, new URLSearchParams()],
    ] as const;
    for (const [tried, told] of attempts) expect((await signIn.finish(provider, tried, told)).kind, told.toString()).toBe("invalid");
    expect((await signIn.finish(provider, attempt, answer)).kind).toBe("person");
    expect((await signIn.finish(provider, attempt, answer)).kind).toBe("invalid");
    for (const change of [{ nonce: "another" }, { verifier: "v".repeat(43) }, { redirectUri: `${REDIRECT}/other` }]) {
      const fresh = await begun();
      expect((await signIn.finish(provider, { ...fresh.attempt, ...change }, fresh.answer)).kind, JSON.stringify(change)).toBe("invalid");
    }
  });

  it("are refused when they come too late", async () => {
    const provider = providerOf(other);
    const { url, attempt } = await signIn.begin(provider, REDIRECT);
    const answer = await answerAs(url, "ada", REDIRECT);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await signIn.finish(provider, attempt, answer)).kind).toBe("invalid");
  });

  it("are refused when they were given by one issuer and brought to another", async () => {
    const { attempt, answer } = await begun();
    expect((await signIn.finish(providerOf(other), attempt, answer)).kind).toBe("invalid");
    expect((await signIn.finish(providerOf(other), attempt, changed(answer, "iss", other.origin))).kind).toBe("invalid");
  });

  it("are told apart from a No", async () => {
    const { provider, attempt } = await begun();
    const no = new URLSearchParams({ error: "access_denied", state: attempt.state, iss: issuer.origin });
    expect((await signIn.finish(provider, attempt, no)).kind).toBe("declined");
    expect((await signIn.finish(provider, attempt, changed(no, "state", "another"))).kind).toBe("invalid");
  });
});

describe("trouble of the issuer", () => {
  it("is told as such: not there, another one, no client of it", async () => {
    const nobody = providerOf(issuer, { issuer: "http://127.0.0.1:9" });
    await expect(signIn.begin(nobody, REDIRECT)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    await expect(signIn.begin(providerOf(issuer, { issuer: `${issuer.origin}/tenant` }), REDIRECT)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    const { url, attempt } = await signIn.begin(providerOf(issuer), REDIRECT);
    const answer = await answerAs(url, "ada", REDIRECT);
    await expect(signIn.finish(providerOf(issuer, { clientSecret: "wrong" }), attempt, answer)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
  });

  it("is none of ours without TLS", async () => {
    const fresh = await startIssuer({ redirectUris: [REDIRECT], people });
    await expect(signIn.begin(providerOf(fresh, { allowHttp: false }), REDIRECT)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    await fresh.stop();
  });
});

describe("identity tokens", () => {
  let server: Server;
  let origin: string;
  let mint: (nonce: string) => Promise<string>;
  let nonce = "";
  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = (body: unknown) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (request.url === "/token") return void mint(nonce).then((idToken) => answer({ access_token: "a", token_type: "Bearer", expires_in: 60, id_token: idToken }));
      if (request.url === "/keys") return answer({ keys: [published] });
      return answer({ issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, jwks_uri: `${origin}/keys`, id_token_signing_alg_values_supported: ["RS256"] });
    });
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const published = { ...(await exportJWK(publicKey)), kid: "k", alg: "RS256", use: "sig" };
    const forger = await generateKeyPair("RS256");
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    origin = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    const sign = (claims: Record<string, unknown>, key: CryptoKey, seconds = 60) =>
      new SignJWT({ sub: "ada", email: "ada@example.org", iss: origin, aud: "sett", ...claims }).setProtectedHeader({ alg: "RS256", kid: "k" }).setIssuedAt().setExpirationTime(Math.floor(Date.now() / 1_000) + seconds).sign(key);
    mints = {
      good: (wanted) => sign({ nonce: wanted }, privateKey),
      forged: (wanted) => sign({ nonce: wanted }, forger.privateKey),
      "of another audience": (wanted) => sign({ nonce: wanted, aud: "another" }, privateKey),
      "of another issuer": (wanted) => sign({ nonce: wanted, iss: "http://127.0.0.1:9" }, privateKey),
      "of another attempt": () => sign({ nonce: "another" }, privateKey),
      "without a nonce": () => sign({}, privateKey),
      ended: (wanted) => sign({ nonce: wanted }, privateKey, -120),
      unsigned: async (wanted) => `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa(JSON.stringify({ sub: "ada", iss: origin, aud: "sett", nonce: wanted, iat: 1, exp: 9e9 })).replaceAll("=", "")}.`,
    };
  });
  afterAll(() => void server.close());
  let mints: Readonly<Record<string, (nonce: string) => Promise<string>>> = {};

  it.each(["good", "forged", "of another audience", "of another issuer", "of another attempt", "without a nonce", "ended", "unsigned"])("%s", async (name) => {
    const provider: SignInProvider = { issuer: origin, clientId: "sett", clientSecret: null, scopes: "openid", allowHttp: true };
    const { attempt } = await signIn.begin(provider, REDIRECT);
    nonce = attempt.nonce;
    mint = mints[name] ?? mint;
    expect((await signIn.finish(provider, attempt, new URLSearchParams({ code: "c", state: attempt.state }))).kind).toBe(name === "good" ? "person" : "invalid");
  });
});
