/** Names of secrets: what credentials refer to. */
export const SECRET_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;

/** Secrets travel in header lines, so they hold nothing that would end one: visible ASCII, with blanks inside. */
export const SECRET_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export const MAX_SECRET_LENGTH = 8_192;

/** What binds a sealed value to its row. */
export const secretSealContext = (name: string): string => `governance_secret:${name}`;
