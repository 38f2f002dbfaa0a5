import * as oauth from "oauth4webapi";
import { HOUR_MS, SECOND_MS } from "../../kernel/clock";
import { AppError } from "../../kernel/errors/app-error";
import type { SignedInPerson, SignIn, SignInAttempt, SignInOutcome, SignInProvider } from "../../kernel/ports/sign-in";

const TIME_LIMIT_MS = 5 * SECOND_MS;
const CLOCK_TOLERANCE_SECONDS = 30;
/** How long an isolate trusts what a provider published about itself. */
const KEEP_METADATA_MS = HOUR_MS;

interface KnownProvider {
  readonly server: oauth.AuthorizationServer;
  readonly readAt: number;
}

/** What an isolate knows about providers. Values only, no pending requests: workerd lets no request await another's. */
const known = new Map<string, KnownProvider>();

/** Signs people in by authorization code with PKCE, state, nonce and a check of `iss` and of the identity token's signature. */
export const signIn: SignIn = {
  begin: async (provider, redirectUri) => {
    const { authorization_endpoint: endpoint } = await discover(provider);
    if (!endpoint || !isSafe(endpoint, provider)) throw failed(new Error("the provider publishes no safe authorization endpoint"));
    const attempt: SignInAttempt = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier: oauth.generateRandomCodeVerifier(), redirectUri };
    const url = new URL(endpoint);
    const parameters = {
      client_id: provider.clientId,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: provider.scopes,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url: url.href, attempt };
  },
  finish: async (provider, attempt, answer) => {
    const server = await discover(provider);
    try {
      return { kind: "person", person: await redeem(server, provider, attempt, answer) };
    } catch (error) {
      return classify(error);
    }
  },
};

const isSafe = (url: string, { allowHttp }: SignInProvider): boolean => URL.canParse(url) && (url.startsWith("https:") || (allowHttp && url.startsWith("http:")));

const optionsOf = ({ allowHttp }: SignInProvider) => ({ signal: () => AbortSignal.timeout(TIME_LIMIT_MS), [oauth.allowInsecureRequests]: allowHttp });

async function discover(provider: SignInProvider): Promise<oauth.AuthorizationServer> {
  const found = known.get(provider.issuer);
  const now = Date.now();
  if (found && now - found.readAt < KEEP_METADATA_MS) return found.server;
  try {
    const issuer = new URL(provider.issuer);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...optionsOf(provider) }));
    known.set(provider.issuer, { server, readAt: now });
    return server;
  } catch (error) {
    throw failed(error);
  }
}

async function redeem(server: oauth.AuthorizationServer, provider: SignInProvider, attempt: SignInAttempt, answer: URLSearchParams): Promise<SignedInPerson> {
  const client: oauth.Client = { client_id: provider.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
  const options = optionsOf(provider);
  const checked = oauth.validateAuthResponse(server, client, answer, attempt.state);
  const response = await oauth.authorizationCodeGrantRequest(server, client, authenticationOf(server, provider), checked, attempt.redirectUri, attempt.verifier, options);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: attempt.nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(server, response, options);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (!claims) throw new Error("the provider gave no identity token");
  const person = personOf(provider, claims.sub, claims);
  // Many providers keep the address out of identity tokens.
  if (person.email !== null || !server.userinfo_endpoint) return person;
  const told = await oauth.processUserInfoResponse(server, client, claims.sub, await oauth.userInfoRequest(server, client, tokens.access_token, options));
  return personOf(provider, claims.sub, { ...claims, ...told });
}

function authenticationOf(server: oauth.AuthorizationServer, { clientSecret }: SignInProvider): oauth.ClientAuth {
  if (clientSecret === null) return oauth.None();
  const methods = server.token_endpoint_auth_methods_supported;
  return methods && !methods.includes("client_secret_basic") && methods.includes("client_secret_post") ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret);
}

const MAX_TEXT = 320;
const MAX_URL = 2_048;

function personOf({ issuer }: SignInProvider, subject: string, claims: Readonly<Record<string, unknown>>): SignedInPerson {
  const text = (name: string, longest: number): string | null => {
    const value = claims[name];
    return typeof value === "string" && value.trim() !== "" && value.length <= longest ? value.trim() : null;
  };
  // Cognito's userinfo writes booleans as text.
  const verified = claims["email_verified"];
  const picture = text("picture", MAX_URL);
  return {
    issuer,
    subject,
    email: text("email", MAX_TEXT),
    emailVerified: verified === undefined || verified === null ? null : verified === true || verified === "true",
    name: text("name", MAX_TEXT),
    picture: picture !== null && /^https?:\/\//i.test(picture) ? picture : null,
  };
}

/** Codes of what is wrong with an answer that came with the browser, or with what its code was redeemed for. */
const ANSWER_AT_FAULT: ReadonlySet<string> = new Set([oauth.INVALID_RESPONSE, oauth.JWT_CLAIM_COMPARISON, oauth.JWT_TIMESTAMP_CHECK, oauth.JSON_ATTRIBUTE_COMPARISON]);

/** Whose fault a failed sign-in is: the answer's, or the provider's, or the network's. */
function classify(error: unknown): SignInOutcome {
  if (error instanceof oauth.AuthorizationResponseError) return error.error === "server_error" || error.error === "temporarily_unavailable" ? fail(error) : { kind: "declined" };
  if (error instanceof oauth.ResponseBodyError) return error.error === "invalid_grant" ? { kind: "invalid", cause: error } : fail(error);
  if (error instanceof oauth.OperationProcessingError && ANSWER_AT_FAULT.has(error.code ?? "")) return { kind: "invalid", cause: error };
  return fail(error);
}

function fail(error: unknown): never {
  throw failed(error);
}

const failed = (cause: unknown): AppError => new AppError("BAD_GATEWAY", "The identity provider does not answer as it should; try again later.", { cause });
