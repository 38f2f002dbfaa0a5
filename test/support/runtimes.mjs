import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPTS = { openclaw: new URL("./fake-openclaw.mjs", import.meta.url), hermes: new URL("./fake-hermes.mjs", import.meta.url) };

/**
 * Puts the stand-ins for `openclaw` and `hermes` into a folder, as programs of those names.
 * @param {string} folder @param {readonly ("openclaw" | "hermes")[]} names
 * @returns {string} a PATH in which they come first, and from which docker is left out
 */
export function installRuntimes(folder, names) {
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const script = fileURLToPath(SCRIPTS[name]);
    writeFileSync(join(folder, name), `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, { mode: 0o755 });
  }
  return [folder, "/usr/bin", "/bin"].join(delimiter);
}
