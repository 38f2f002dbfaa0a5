/**
 * `node scripts/common-passwords.mjs`: writes src/fleet/passwords/common-passwords.gen.ts from the list of leaked passwords of
 * @zxcvbn-ts/language-common. Only those that are long enough to be asked for are kept, in lower case: a third of the list.
 */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { dictionary } from "@zxcvbn-ts/language-common";
import { inRoot } from "./lib/paths.mjs";

const SHORTEST = 8;

/** @returns {string} the text of the module */
export function renderCommonPasswords() {
  const list = [...new Set(dictionary["passwords-common"].map((password) => password.toLowerCase()))].filter((password) => password.length >= SHORTEST).sort();
  return [
    "// Written by scripts/common-passwords.mjs from @zxcvbn-ts/language-common (MIT). Do not edit.",
    "",
    `/** ${list.length} leaked passwords, each between two line breaks. */`,
    `export const commonPasswords = ${JSON.stringify(`\n${list.join("\n")}\n`)};`,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(inRoot("src/fleet/passwords/common-passwords.gen.ts"), renderCommonPasswords());
