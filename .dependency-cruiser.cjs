// Who may import whom. Every rule is an error; CONTRIBUTING.md says it in prose.

const { existsSync, readdirSync } = require("node:fs");

/** A family is a folder with its own way to render failures. */
const FAMILIES = readdirSync("src").filter((name) => existsSync(`src/${name}/wire.ts`)).join("|");
const feature = `^src/(?:${FAMILIES})/([^/]+)/`;

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Modules that load each other have no order. Cycles of types alone are harmless.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "unresolvable",
      comment: "The benchmark's baseline brings its own packages.",
      severity: "error",
      from: { pathNot: "^bench/baseline/" },
      to: { couldNotResolve: true, pathNot: "^cloudflare:|\\.wasm$" },
    },
    {
      name: "worker-is-a-table",
      comment: "worker.ts names handlers and objects, nothing else.",
      severity: "error",
      from: { path: "^src/worker\\.ts$" },
      to: { pathNot: "^(src/(env|app|queues|crons)\\.ts$|durable-objects/)" },
    },
    {
      name: "nobody-imports-the-worker",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^src/worker\\.ts$" },
    },
    {
      name: "app-knows-families-only",
      comment: "The application, its queue and its cron reach features through families.ts; hot-path.ts serves the heartbeat.",
      severity: "error",
      from: { path: "^src/(app|context|crons|effects|families|queues)\\.ts$" },
      to: { path: `^(src/(${FAMILIES})/|src/integrations/|src/schema/|durable-objects/)`, pathNot: `^src/(${FAMILIES})/index\\.ts$` },
    },
    {
      name: "family-index-loads-late",
      comment: "A family's tables reach its features by import() only, so that a request pays for one feature.",
      severity: "error",
      from: { path: `^src/(${FAMILIES})/(index|work)\\.ts$` },
      to: { path: `^src/(${FAMILIES})/[^/]+/`, dynamic: false },
    },
    {
      name: "operations-call-verbs",
      comment: "Operation records know schemas, verbs and the kernel: no SQL, no vendor, no object.",
      severity: "error",
      from: { path: "\\.operations\\.ts$" },
      to: { path: "^(src/schema/|src/integrations/|durable-objects/)|\\.store\\.ts$" },
    },
    {
      name: "core-is-pure",
      comment: "*.core.ts holds rules: no I/O, so nothing that does any.",
      severity: "error",
      from: { path: "^src/.+\\.core\\.ts$" },
      to: { path: "^(src/integrations/|src/kernel/db/|durable-objects/(stubs|.+-do)\\.ts)|\\.(store|queries|operations)\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "features-take-ports",
      comment: "Features use outside systems through ctx.services.",
      severity: "error",
      from: { path: feature },
      to: { path: "^src/integrations/" },
    },
    {
      name: "schema-belongs-to-stores",
      comment: "One file of a feature speaks SQL: its store.",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.store\\.ts$|^src/(schema|kernel)/|^src/(queues|crons)\\.ts$|^src/integrations/email/local-mailbox\\.ts$" },
      to: { path: "^src/schema/" },
    },
    {
      name: "jobs-know-kernel-tables",
      comment: "Queues and crons keep the kernel's own books (claims, processed messages, dead letters), no feature's.",
      severity: "error",
      from: { path: "^src/(queues|crons)\\.ts$" },
      to: { path: "^src/schema/", pathNot: "^src/schema/kernel\\.ts$" },
    },
    {
      name: "features-meet-at-their-index",
      comment: "Another feature is used through its index.ts.",
      severity: "error",
      from: { path: feature },
      to: { path: `^src/(${FAMILIES})/[^/]+/`, pathNot: [`^src/(${FAMILIES})/$1/`, `^src/(${FAMILIES})/[^/]+/index\\.ts$`] },
    },
    {
      name: "nobody-needs-the-fleet",
      comment: "Other families may govern the fleet's machines through their objects; they know none of its verbs.",
      severity: "error",
      from: { path: `^src/(?!fleet/)(${FAMILIES})/` },
      to: { path: "^src/fleet/" },
    },
    {
      name: "features-stay-below-app",
      severity: "error",
      from: { path: feature },
      to: { path: "^src/(app|worker|queues|crons|context|services|effects|families)\\.ts$" },
    },
    {
      name: "kernel-is-the-bottom",
      comment: "The kernel imports nothing above it; its own tables and those of accounts (it authenticates) are below it.",
      severity: "error",
      from: { path: "^src/kernel/" },
      to: { path: "^(src|durable-objects|web|cli|scripts)/", pathNot: "^src/(kernel/|schema/(kernel|accounts)\\.ts$)" },
    },
    {
      name: "integrations-know-the-kernel",
      severity: "error",
      from: { path: "^src/integrations/([^/]+)/" },
      to: { path: "^(src|durable-objects)/", pathNot: ["^src/integrations/$1/", "^src/kernel/", "^src/schema/kernel\\.ts$"] },
    },
    {
      name: "schema-is-plain",
      severity: "error",
      from: { path: "^src/schema/" },
      to: { path: "^(src|durable-objects)/", pathNot: "^src/schema/" },
    },
    {
      name: "objects-by-stub",
      comment: "Code outside durable-objects/ knows objects by their stubs and the types of their methods.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/worker\\.ts$" },
      to: { path: "^durable-objects/", pathNot: "^durable-objects/(stubs|.+\\.rpc)\\.ts$" },
    },
    {
      name: "objects-know-rules-not-verbs",
      comment: "Objects use the kernel and pure rules. What must change in D1 they put on the queue.",
      severity: "error",
      from: { path: "^durable-objects/" },
      to: { path: "^src/", pathNot: `^src/(kernel/|env\\.ts$|(${FAMILIES})/[^/]+/[^/]+\\.core\\.ts$)` },
    },
    {
      name: "platform-modules",
      comment: "cloudflare:workers only where the platform is: everything else loads in plain Node.",
      severity: "error",
      from: { pathNot: "^(src/worker\\.ts$|durable-objects/|test/|bench/objects/)" },
      to: { path: "^cloudflare:" },
    },
    {
      name: "node-modules-of-node",
      comment: "The worker and the console run without Node.",
      severity: "error",
      from: { path: "^(src|durable-objects|web/src|clients)/" },
      to: { dependencyTypes: ["core"], pathNot: "^cloudflare:" },
    },
    {
      name: "console-stands-alone",
      severity: "error",
      from: { path: "^web/" },
      to: { path: "^(src|durable-objects|cli|scripts|test|bench)/" },
    },
    {
      name: "cli-stands-alone",
      severity: "error",
      from: { path: "^cli/" },
      to: { path: "^(src|durable-objects|web|scripts|test|bench)/" },
    },
    {
      name: "product-without-tooling",
      severity: "error",
      from: { path: "^(src|durable-objects|clients)/" },
      to: { path: "^(web|cli|scripts|test|bench)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default", "types"], extensions: [".ts", ".tsx", ".d.ts", ".mjs", ".js", ".json"] },
    builtInModules: { add: ["cloudflare:workers", "cloudflare:test", "cloudflare:sockets"] },
  },
};
