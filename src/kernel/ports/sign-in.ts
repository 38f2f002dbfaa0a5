/** Signing people in at an OpenID Connect provider. The client is src/integrations/oidc; verbs see only this. */

/** A provider and who we are there. */
export interface SignInProvider {
  /** Exactly as its tokens carry it in `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null for public clients. */
  readonly clientSecret: string | null;
  /** Separated by spaces. */
  readonly scopes: string;
  /** Without TLS, for tests of this machine. */
  readonly allowHttp: boolean;
}

/** The secrets of one sign-in. They stay in the browser that began it. */
export interface SignInAttempt {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE. */
  readonly verifier: string;
  readonly redirectUri: string;
}

/** Whom the provider vouches for. */
export interface SignedInPerson {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  /** Null when the provider does not say. */
  readonly emailVerified: boolean | null;
  readonly name: string | null;
  readonly picture: string | null;
}

/** `declined` is the person's or the provider's No. `invalid` is an answer that does not belong to the attempt: forged, repeated, expired, somebody else's. */
export type SignInOutcome = { readonly kind: "person"; readonly person: SignedInPerson } | { readonly kind: "declined" } | { readonly kind: "invalid"; readonly cause: unknown };

export interface SignIn {
  /** Fresh secrets, and the address at which the provider asks the person. @throws AppError BAD_GATEWAY (it cannot be reached, or is no provider) */
  begin(provider: SignInProvider, redirectUri: string): Promise<{ readonly url: string; readonly attempt: SignInAttempt }>;
  /**
   * Turns the provider's answer, as its query came with the person's browser, into the person.
   * @throws AppError BAD_GATEWAY (it cannot be reached, does not know us, or answers nonsense)
   */
  finish(provider: SignInProvider, attempt: SignInAttempt, answer: URLSearchParams): Promise<SignInOutcome>;
}
