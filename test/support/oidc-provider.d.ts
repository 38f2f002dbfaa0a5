/** What of the package we use; it brings no types. */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  class Grant {
    constructor(facts: { accountId: string; clientId: string });
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  interface GrantContext {
    readonly oidc: {
      readonly client: { readonly clientId: string };
      readonly session: { readonly accountId: string };
      readonly params: { readonly scope?: string };
    };
  }

  class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    readonly Grant: typeof Grant;
    callback(): RequestListener;
  }

  export { Provider };
  export type { Grant, GrantContext };
}
