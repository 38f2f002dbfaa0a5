// Bundles the CLI into one file with no runtime dependencies: cli/dist/sett.mjs.
// Another output path may be given as the first argument (the tests build into a temporary folder).
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
const outfile = resolve(process.argv[2] ?? resolve(root, "dist/sett.mjs"));

/**
 * proxy-chain can go through SOCKS proxies of others; ours never does, and what it would need for that is a third of the whole file.
 * @type {import("esbuild").Plugin}
 */
const withoutSocks = {
  name: "without-socks",
  setup(builder) {
    builder.onResolve({ filter: /^socks(-proxy-agent)?$/ }, ({ path }) => ({ path, namespace: "without-socks" }));
    builder.onLoad({ filter: /.*/, namespace: "without-socks" }, () => ({ contents: "export class SocksClient {}\nexport class SocksProxyAgent {}\n" }));
  },
};

mkdirSync(dirname(outfile), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  legalComments: "none",
  // proxy-chain tells its errors by the names of their classes, which bundling may change.
  keepNames: true,
  define: { __SETT_VERSION__: JSON.stringify(process.env.SETT_BUILD_VERSION ?? version) },
  // Optional native helpers of ws; it works without them.
  external: ["bufferutil", "utf-8-validate"],
  plugins: [withoutSocks],
  banner: {
    // The inlined CommonJS packages call require() for Node's own modules.
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);',
  },
});
chmodSync(outfile, 0o755);
