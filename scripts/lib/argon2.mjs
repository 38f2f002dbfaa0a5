import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inModules } from "./paths.mjs";

// The same numbers as src/integrations/argon2/passwords.ts; test/unit/scripts and the start journey fail when they drift apart.
const PARAMS = { memorySize: 19_456, passes: 2, parallelism: 1, tagLength: 32 };
const SALT_BYTES = 16;
const PREFIX = `$argon2id$v=19$m=${PARAMS.memorySize},t=${PARAMS.passes},p=${PARAMS.parallelism}$`;

/** @typedef {(input: { password: Uint8Array, salt: Uint8Array, secret: Uint8Array, memorySize: number, passes: number, parallelism: number, tagLength: number }) => Uint8Array} Argon2id */

/** @type {Promise<Argon2id> | undefined} */
let loading;

/** Loaded late: the package is there only after the install. */
function loadArgon2id() {
  loading ??= (async () => {
    const { default: setup } = await import(pathToFileURL(inModules("argon2id/lib/setup.js")).href);
    /** @param {string} name */
    const load = (name) => (/** @type {WebAssembly.Imports} */ imports) => WebAssembly.instantiate(readFileSync(inModules("argon2id/dist", name)), imports);
    return await setup(load("simd.wasm"), load("no-simd.wasm"));
  })();
  return loading;
}

/** @param {Uint8Array} bytes */
const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replaceAll("=", "");

/**
 * PHC string of a password, as the Worker makes it.
 * @param {string} password
 * @param {Uint8Array} pepper
 * @param {Uint8Array} [salt] only tests choose it
 */
export async function hashPassword(password, pepper, salt = randomBytes(SALT_BYTES)) {
  const argon2id = await loadArgon2id();
  const tag = argon2id({ password: new TextEncoder().encode(password), salt, secret: pepper, ...PARAMS });
  return `${PREFIX}${unpadded(salt)}$${unpadded(tag)}`;
}

/** @param {string} password @param {string} phc @param {Uint8Array} pepper */
export async function verifyPassword(password, phc, pepper) {
  const [salt, tag] = phc.startsWith(PREFIX) ? phc.slice(PREFIX.length).split("$") : [];
  if (!salt || !tag) return false;
  const again = Buffer.from(await hashPassword(password, pepper, Buffer.from(salt, "base64")));
  const want = Buffer.from(phc);
  return again.length === want.length && timingSafeEqual(again, want);
}
