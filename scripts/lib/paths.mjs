import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the project. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Absolute path of something in the project. @param {...string} parts */
export const inRoot = (...parts) => join(ROOT, ...parts);

/** Where a dependency's file lies; used to run tools without a shell. @param {...string} parts */
export const inModules = (...parts) => join(ROOT, "node_modules", ...parts);

/** Command-line entry points of the tools that the scripts run with the toolchain's Node. */
export const TOOLS = {
  wrangler: inModules("wrangler/bin/wrangler.js"),
  vite: inModules("vite/bin/vite.js"),
  tsc: inModules("typescript/bin/tsc"),
  tsx: inModules("tsx/dist/cli.mjs"),
  vitest: inModules("vitest/vitest.mjs"),
  oxlint: inModules("oxlint/bin/oxlint"),
  knip: inModules("knip/bin/knip.js"),
  depcruise: inModules("dependency-cruiser/bin/dependency-cruiser.mjs"),
  drizzleKit: inModules("drizzle-kit/bin.cjs"),
};
