// Bundles the CLI into one file with no runtime dependencies: cli/dist/sett.mjs.
// Another output path may be given as the first argument (the tests build into a temporary folder).
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
const outfile = resolve(process.argv[2] ?? resolve(root, "dist/sett.mjs"));

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
  define: { __SETT_VERSION__: JSON.stringify(process.env.SETT_BUILD_VERSION ?? version) },
  // Optional native helpers of ws; it works without them.
  external: ["bufferutil", "utf-8-validate"],
  banner: {
    // The inlined CommonJS packages call require() for Node's own modules.
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);',
  },
});
chmodSync(outfile, 0o755);
