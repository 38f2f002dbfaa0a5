/** People of another identity provider: a real issuer over HTTP, its keys, its quirks, its absence. And a homeserver beside it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const AUDIENCE = "sett-api";
const KEEPER = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };

/** @typedef {{ kid: string, alg: "RS256" | "ES256", key: CryptoKey, open: import("jose").JWK }} SigningKey */

/** @param {string} kid @param {"RS256" | "ES256"} alg @returns {Promise<SigningKey>} */
async function newKey(kid, alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, key: privateKey, open: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** @param {import("node:http").Server} server @returns {Promise<string>} its origin */
const listen = (server) =>
  new Promise((done) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      done(`http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`);
    });
  });

/** An issuer: discovery, keys, userinfo by subject. */
async function startIssuer() {
  const state = { keys: /** @type {SigningKey[]} */ ([]), keyFetches: 0, people: /** @type {Record<string, object>} */ ({}), bearer: /** @type {Record<string, string>} */ ({}) };
  const server = createServer((request, response) => {
    /** @param {number} status @param {unknown} body */
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url === "/.well-known/openid-configuration") return answer(200, { issuer: origin, jwks_uri: `${origin}/keys`, userinfo_endpoint: `${origin}/userinfo` });
    if (request.url === "/keys") {
      state.keyFetches++;
      return answer(200, { keys: state.keys.map(({ open }) => open) });
    }
    const subject = state.bearer[String(request.headers.authorization).replace("Bearer ", "")];
    return request.url === "/userinfo" && subject ? answer(200, state.people[subject]) : answer(404, {});
  });
  const origin = await listen(server);
  return { origin, state, server };
}

/** A homeserver that knows one person and says the rest as Synapse does. */
async function startHomeserver() {
  const seen = /** @type {string[]} */ ([]);
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      seen.push(String(request.url));
      const { identifier, password } = JSON.parse(text || "{}");
      /** @param {number} status @param {unknown} body @param {Record<string, string>} [headers] */
      const answer = (status, body, headers = {}) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
      if (request.url !== "/_matrix/client/v3/login") return answer(404, {});
      switch (identifier.user) {
        case "ada":
          return password === "right password" ? answer(200, { access_token: "syt_secret", user_id: "@ada:example.org", device_id: "DEV" }) : answer(403, { errcode: "M_FORBIDDEN" });
        case "gone":
          return answer(403, { errcode: "M_USER_DEACTIVATED" });
        case "hasty":
          return answer(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 280_000 });
        case "moved":
          return answer(307, {}, { location: "/elsewhere" });
        default:
          return answer(500, "broken");
      }
    });
  });
  return { origin: await listen(server), seen, server };
}

await journey(async ({ step, cleanUp }) => {
  const issuer = await startIssuer();
  const homeserver = await startHomeserver();
  cleanUp(() => void issuer.server.close());
  cleanUp(() => void homeserver.server.close());
  const first = await newKey("first", "RS256");
  const second = await newKey("second", "ES256");
  const forger = await newKey("first", "RS256");
  issuer.state.keys = [first];

  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const env = { SETT_ADMIN_EMAIL: KEEPER.email, SETT_ADMIN_PASSWORD: KEEPER.password, RATE_LIMITS: "off", OIDC_ISSUER: issuer.origin, OIDC_AUDIENCE: AUDIENCE, MATRIX_BASE_URL: homeserver.origin, MATRIX_SERVER_NAME: "sett.localhost" };
  const server = await startServer({ stateDir, env });
  cleanUp(() => server.kill());

  /** @param {Record<string, unknown>} claims @param {{ signer?: SigningKey, issuer?: string, seconds?: number, typ?: string }} [how] */
  const sign = (claims, { signer = first, issuer: iss = issuer.origin, seconds = 600, typ = "at+jwt" } = {}) => {
    const now = Math.floor(Date.now() / 1_000);
    return new SignJWT({ aud: AUDIENCE, ...claims }).setProtectedHeader({ alg: signer.alg, kid: signer.kid, typ }).setIssuer(iss).setIssuedAt(now).setExpirationTime(now + seconds).sign(signer.key);
  };
  /** @param {string} token @returns {Promise<{ status: number, body: any }>} */
  const profile = async (token) => {
    const response = await fetch(`${server.origin}/api/v1/user/profile`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  };
  /** @param {string} path @param {unknown} body @param {string} [token] @returns {Promise<{ status: number, body: any, headers: Headers }>} */
  const post = async (path, body, token) => {
    const response = await fetch(`${server.origin}${path}`, { method: "POST", headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) }, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  const ada = { sub: "ada-1", email: "ada@example.org", email_verified: true, name: "Ada", preferred_username: "adalovelace" };

  await step("a verified person of the issuer gets an account at the first request", async () => {
    const { status, body } = await profile(await sign(ada));
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.email, "ada@example.org");
    assert.equal(body.username, "adalovelace");
    const again = await profile(await sign(ada, { seconds: 700 }));
    assert.equal(again.body.id, body.id);
    assert.equal(issuer.state.keyFetches, 1);
  });

  await step("whose address belongs to an account is that account", async () => {
    const own = await post("/api/v1/user/login", { username: KEEPER.email, password: KEEPER.password });
    assert.equal(own.status, 200);
    const { status, body } = await profile(await sign({ sub: "keeper-1", email: KEEPER.email.toUpperCase(), email_verified: true }));
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.id, own.body.user_profile.id);
  });

  await step("a stranger's unproven claim of the address gets nothing of it", async () => {
    const claim = { name: "Eve", email: "victim@example.org", username: "evesclaim", password: "correct horse battery" };
    assert.equal((await post("/api/v1/user/signup", claim)).status, 200);
    const { status, body } = await profile(await sign({ sub: "victim-1", email: claim.email, email_verified: true }));
    assert.equal(status, 200, JSON.stringify(body));
    assert.notEqual(body.username, claim.username);
    assert.equal((await post("/api/v1/user/login", { username: claim.email, password: claim.password })).status, 401);
  });

  await step("an address that the issuer does not vouch for gets no account", async () => {
    for (const claims of [{ sub: "x-1", email: "x@example.org" }, { sub: "x-2", email: "x@example.org", email_verified: false }]) {
      const { status, body } = await profile(await sign(claims));
      assert.deepEqual([status, body.code], [403, "email_not_verified"]);
    }
  });

  await step("Cognito's access tokens have a client id, no audience and no address", async () => {
    const claims = { aud: undefined, sub: "cog-1", token_use: "access", client_id: AUDIENCE };
    const token = await sign(claims, { typ: "JWT" });
    issuer.state.people["cog-1"] = { sub: "cog-1", email: "cog@example.org", email_verified: "true", name: "Cog" };
    issuer.state.bearer[token] = "cog-1";
    const { status, body } = await profile(token);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.email, "cog@example.org");
    for (const wrong of [{ ...claims, client_id: "another" }, { ...claims, token_use: "id", aud: AUDIENCE }, { ...claims, token_use: undefined }]) {
      assert.equal((await profile(await sign(wrong))).status, 401, JSON.stringify(wrong));
    }
  });

  await step("forged, foreign, misdirected and expired tokens are none", async () => {
    const fakes = {
      forged: await sign(ada, { signer: forger }),
      "of another audience": await sign({ ...ada, aud: "another" }),
      "of another issuer": await sign(ada, { issuer: "https://elsewhere.example" }),
      "of an unknown key": await sign(ada, { signer: { ...second, kid: "unknown" } }),
      unsigned: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify({ ...ada, iss: issuer.origin, aud: AUDIENCE, exp: 9e9, iat: 1 })).toString("base64url")}.`,
    };
    for (const [name, token] of Object.entries(fakes)) assert.deepEqual([name, (await profile(token)).body.code], [name, "unauthenticated"]);
    const { status, body } = await profile(await sign(ada, { seconds: -60 }));
    assert.deepEqual([status, body.code], [401, "token_expired"]);
  });

  await step("unknown keys are asked for once in a while, not once a token", async () => {
    const before = issuer.state.keyFetches;
    for (let tries = 0; tries < 20; tries++) await profile(await sign(ada, { signer: { ...second, kid: `unknown-${tries}` } }));
    assert.ok(issuer.state.keyFetches - before <= 1, `${issuer.state.keyFetches - before} fetches`);
  });

  await step("signing out everywhere ends the issuer's tokens here too", async () => {
    const token = await sign(ada);
    assert.equal((await post("/api/v1/user/sessions/revoke-all", {}, token)).status, 200);
    assert.deepEqual([(await profile(token)).status, (await profile(token)).body.code], [401, "session_revoked"]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal((await profile(await sign(ada))).status, 200);
  });

  await step("the issuer's person signs a command line in", async () => {
    const token = await sign({ ...ada, jti: "cli" });
    const verifier = "v".repeat(43);
    const challenge = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))).toString("base64url");
    const done = await post("/api/v1/openclaw/cli/auth/callback", { code: challenge, access_token: token }, token);
    assert.equal(done.status, 200, JSON.stringify(done.body));
    const polled = await post(`/api/v1/openclaw/cli/auth/poll/${challenge}`, { code_verifier: verifier });
    assert.equal(polled.body.status, "complete");
  });

  await step("our own tokens work while the issuer is down, and so do tokens of keys already known", async () => {
    const { body } = await post("/api/v1/user/login", { username: KEEPER.email, password: KEEPER.password });
    const closed = new Promise((done) => issuer.server.close(done));
    issuer.server.closeAllConnections();
    await closed;
    assert.equal((await profile(body.access_token)).status, 200);
    assert.equal((await profile(await sign({ ...ada, jti: "known-key" }))).status, 200);
  });

  await step("the homeserver's answers come through, classed, and its tokens stay nowhere", async () => {
    const login = (/** @type {string} */ username, password = "right password") => post("/api/v1/auth/matrix-login", { username, password });
    const { status, body } = await login("ada");
    assert.deepEqual([status, body], [200, { access_token: "syt_secret", user_id: "@ada:example.org", device_id: "DEV" }]);
    assert.deepEqual([(await login("ada", "wrong")).status, (await login("ada", "wrong")).body.code], [401, "invalid_credentials"]);
    assert.equal((await login("gone")).body.code, "account_deactivated");
    const hasty = await login("hasty");
    assert.deepEqual([hasty.status, hasty.headers.get("retry-after")], [429, "280"]);
    assert.equal((await login("moved")).body.code, "matrix_unavailable");
    assert.equal((await login("broken")).status, 503);
    assert.ok(!homeserver.seen.includes("/elsewhere"), "a redirect was followed with the password");
    assert.ok(!server.output().includes("syt_secret") && !server.output().includes("right password"));
  });
});
