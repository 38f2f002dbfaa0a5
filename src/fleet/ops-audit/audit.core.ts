/** Part of an action that a search names: its noun, and what the verb begins with. */
export interface ActionPrefix {
  readonly noun: string;
  /** Empty for every verb. */
  readonly verb: string;
}

/** Reads `account`, `account.` or `account.cre`: actions are a noun and a verb, so the noun is always whole and finds its index. */
export function readActionPrefix(text: string): ActionPrefix {
  const [noun = "", verb = ""] = text.split(".");
  return { noun, verb };
}

/** The first text after all that begin with `prefix`, or null when every text does (an empty prefix). */
export function afterPrefix(prefix: string): string | null {
  const last = prefix.at(-1);
  return last === undefined ? null : prefix.slice(0, -1) + String.fromCodePoint((last.codePointAt(0) ?? 0) + 1);
}
