/** Context string that binds a sealed solver to its row. */
export const solverSealContext = (issuerName: string): string => `dns_issuer:${issuerName}`;

/** Providers whose solver takes a plain token. */
const TOKEN_PROVIDERS: ReadonlySet<string> = new Set(["cloudflare", "digitalocean"]);

/** Why a solver cannot work with what is given; null when it can. */
export function whatSolverLacks(provider: string, hasToken: boolean, hasConfig: boolean): string | null {
  if (TOKEN_PROVIDERS.has(provider)) return hasToken ? null : `apiToken: ${provider} needs a token`;
  return hasConfig ? null : `solverConfig: ${provider} needs the settings of its solver`;
}

/** Where the token of a provider is kept, as operators know it. */
export const secretNameOf = (provider: string, hasToken: boolean): string | null => (hasToken ? `opencrane-dns01-${provider}` : null);
