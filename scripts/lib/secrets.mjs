import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { inRoot } from "./paths.mjs";
import { formatDevVars, parseDevVars } from "./dev-vars.mjs";
import { writePrivateFile } from "./state-dir.mjs";

const KEY_BYTES = 32;

/** The secrets every environment needs, freshly made. @returns {Record<string, string>} */
export function generateSecrets() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const stamp = randomBytes(4).toString("hex");
  return {
    SIGNING_KEYS: JSON.stringify([{ ...privateKey.export({ format: "jwk" }), kid: `k1-${stamp}`, alg: "ES256", use: "sig" }]),
    TOKEN_KEYS: `k1:${randomBytes(KEY_BYTES).toString("base64url")}`,
    SEAL_KEYS: `k1:${randomBytes(KEY_BYTES).toString("base64url")}`,
    PASSWORD_PEPPER: randomBytes(KEY_BYTES).toString("base64url"),
  };
}

/**
 * The secrets of a local server: read from `file`, completed (and written back, readable by the owner only) when some are missing.
 * @param {string} file
 * @returns {{ vars: Record<string, string>, created: boolean }}
 */
export function loadLocalSecrets(file) {
  const known = existsSync(file) ? parseDevVars(readFileSync(file, "utf8")) : {};
  const missing = Object.entries(generateSecrets()).filter(([name]) => !known[name]);
  const vars = { ...known, ...Object.fromEntries(missing) };
  if (missing.length > 0) writePrivateFile(file, `# Secrets of this local server. Losing them signs everyone out and makes every password useless.\n${formatDevVars(vars)}`);
  return { vars, created: missing.length > 0 };
}

/** Names of the text variables that src/env.ts declares, and of those that families read in their own config modules. */
export function environmentNames() {
  const declared = [...readFileSync(inRoot("src/env.ts"), "utf8").matchAll(/readonly ([A-Z][A-Z0-9_]*)\??: string/g)];
  const modules = readdirSync(inRoot("src"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith("config.ts"));
  const read = modules.flatMap((file) => [...readFileSync(inRoot(`src/${file}`), "utf8").matchAll(/\bvariable\("([A-Z][A-Z0-9_]*)"\)/g)]);
  return [...new Set([...declared, ...read].map(([, name]) => name ?? ""))];
}

/** The variables of {@link environmentNames} that are set in `env`. @param {NodeJS.ProcessEnv} env @returns {Record<string, string>} */
export function pickEnvironment(env) {
  return Object.fromEntries(environmentNames().flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
