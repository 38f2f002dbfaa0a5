import { fromBase64Url, timingSafeEqual, toBase64Url, utf8 } from "../../kernel/crypto/bytes";
import { randomBytes } from "../../kernel/ids/ids";
import type { Passwords } from "../../kernel/ports/services";

/** OWASP's minimum; measured in workerd at 37 ms a hash (docs/design/identity.md). */
const PARAMS = { memorySize: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const SALT_BYTES = 16;

type Argon2id = (params: { password: Uint8Array; salt: Uint8Array; secret?: Uint8Array; memorySize: number; passes: number; parallelism: number; tagLength: number }) => Uint8Array;

let loaded: Promise<Argon2id> | undefined;

/**
 * Instantiated from an imported module: workerd forbids compiling WebAssembly from bytes. Instantiation is synchronous and
 * nothing here waits for I/O, so a request that is cancelled cannot leave the others waiting for it.
 */
function loadArgon2id(): Promise<Argon2id> {
  loaded ??= (async () => {
    const [{ default: setup }, { default: simd }, { default: plain }] = await Promise.all([
      import("argon2id/lib/setup.js"),
      import("argon2id/dist/simd.wasm"),
      import("argon2id/dist/no-simd.wasm"),
    ]);
    const instantiate = (module: WebAssembly.Module) => async (imports: WebAssembly.Imports) => ({ instance: new WebAssembly.Instance(module, imports), module });
    return (await setup(instantiate(simd), instantiate(plain))) as Argon2id;
  })();
  return loaded;
}

/** Synchronous once loaded, so an isolate never holds two hashes at once: each takes 19 MiB of its 128. */
async function derive(password: string, salt: Uint8Array, pepper: Uint8Array): Promise<Uint8Array> {
  const argon2id = await loadArgon2id();
  return argon2id({ password: utf8(password), salt, secret: pepper, ...PARAMS });
}

const unpadded = (bytes: Uint8Array): string => toBase64Url(bytes).replaceAll("-", "+").replaceAll("_", "/");

/** argon2id with a pepper, as PHC strings. Source of the parameters: OWASP Password Storage Cheat Sheet. */
export function createPasswords(pepper: Uint8Array): Passwords {
  return {
    hash: async (password) => {
      const salt = randomBytes(SALT_BYTES);
      const tag = await derive(password, salt, pepper);
      return `$argon2id$v=19$m=${PARAMS.memorySize},t=${PARAMS.passes},p=${PARAMS.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
    },
    verify: async (password, phc) => {
      const parts = phc?.split("$") ?? [];
      const salt = fromBase64Url(parts[4] ?? "");
      const want = fromBase64Url(parts[5] ?? "");
      const known = parts[1] === "argon2id" && parts[3] === `m=${PARAMS.memorySize},t=${PARAMS.passes},p=${PARAMS.parallelism}` && salt !== null && salt.length > 0 && want !== null;
      const tag = await derive(password, known ? salt : new Uint8Array(SALT_BYTES), pepper);
      return known && timingSafeEqual(tag, want);
    },
  };
}
