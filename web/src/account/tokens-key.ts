/** Cache key of the list of CLI tokens. */
export const TOKENS_KEY = ["cli-tokens"] as const;
