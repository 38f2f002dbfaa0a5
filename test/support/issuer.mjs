/** An identity provider of its own for a journey: the real thing, on loopback, with people who sign in with any password. */
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { freePort } from "./server.mjs";

/**
 * @typedef {{ email?: string, email_verified?: boolean, name?: string }} Person
 * @typedef {{ origin: string, clientId: string, clientSecret: string, people: Record<string, Person>, stop: () => Promise<void> }} Issuer
 */

/**
 * Starts an issuer that knows one confidential client. Whoever signs in as `name` is `people[name]`; nobody is asked for consent.
 * @param {{ redirectUris: string[], people: Record<string, Person>, codeSeconds?: number, claimsInIdToken?: boolean }} options
 * @returns {Promise<Issuer>}
 */
export async function startIssuer({ redirectUris, people, codeSeconds = 60, claimsInIdToken = false }) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const clientId = "sett";
  const clientSecret = "secret-of-the-client-in-tests";
  const provider = new Provider(origin, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris, grant_types: ["authorization_code"], response_types: ["code"] }],
    cookies: { keys: ["cookies-of-the-issuer-in-tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
    conformIdTokenClaims: !claimsInIdToken,
    pkce: { required: () => true },
    ttl: { AuthorizationCode: codeSeconds, AccessToken: 600, IdToken: 600, Session: 3_600, Interaction: 600, Grant: 3_600 },
    findAccount: (/** @type {unknown} */ _ctx, /** @type {string} */ id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    loadExistingGrant: async (/** @type {import("oidc-provider").GrantContext} */ { oidc }) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope(oidc.params.scope ?? "openid");
      await grant.save();
      return grant;
    },
  });
  const server = createServer(provider.callback());
  await new Promise((done) => server.listen(port, "127.0.0.1", () => done(undefined)));
  return {
    origin,
    clientId,
    clientSecret,
    people,
    async stop() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Signs somebody in at the issuer as a browser would, without one.
 * @param {string} url the address of the authorization request
 * @param {string} name
 * @param {string} redirectUri
 * @returns {Promise<URLSearchParams>} the answer that the issuer sends back with the browser
 */
export async function answerAs(url, name, redirectUri) {
  /** @type {Map<string, string>} */
  const jar = new Map();
  let next = url;
  /** @type {URLSearchParams | undefined} */
  let form;
  for (let steps = 0; steps < 12; steps++) {
    const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join("; ");
    /** @type {Response} */
    const response = await fetch(next, { method: form ? "POST" : "GET", redirect: "manual", headers: { cookie }, ...(form ? { body: form } : {}) });
    form = undefined;
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get("location");
    if (location !== null) {
      next = new URL(location, next).href;
      if (next.startsWith(redirectUri)) return new URL(next).searchParams;
      continue;
    }
    const action = /action="([^"]+)"/.exec(await response.text())?.[1];
    if (action === undefined) throw new Error(`the issuer answered ${response.status} at ${next}`);
    next = new URL(action, next).href;
    form = new URLSearchParams({ prompt: "login", login: name, password: "any" });
  }
  throw new Error("the issuer sends the browser in circles");
}
