/** Providers of models whose keys we keep, in the order of lists. */
export const PROVIDERS = ["claude", "openai"] as const;
export type Provider = (typeof PROVIDERS)[number];

export const isProvider = (name: string): name is Provider => (PROVIDERS as readonly string[]).includes(name);

/** What binds a sealed key to its row. */
export const providerKeyContext = (provider: Provider): string => `governance_provider_key:${provider}`;
