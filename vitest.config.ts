import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { billingProject } from "./test/support/billing/project.mjs";
import { cloudProject } from "./test/support/cloud/project.mjs";
import { homeserverProject } from "./test/support/homeserver/project.mjs";
import { testSecrets } from "./test/support/secrets";

/** Five projects: pure code in Node, everything that touches the platform in workerd, and the same beside a homeserver, beside payment providers and beside a provider of computers. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], environment: "node" } },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: { ...testSecrets, TEST_MIGRATIONS: await readD1Migrations("./migrations") },
              outboundService: (request: Request) => new Response(`tests reach no outside host: ${new URL(request.url).host}`, { status: 599 }),
            },
          })),
        ],
        test: {
          name: "workerd",
          include: ["test/features/**/*.test.ts", "test/durable-objects/**/*.test.ts", "test/contract/**/*.test.ts"],
          setupFiles: ["./test/support/setup.ts"],
          testTimeout: 30_000,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => {
            const { bindings, outbound } = homeserverProject();
            return {
              wrangler: { configPath: "./wrangler.toml" },
              miniflare: { bindings: { ...testSecrets, ...bindings, TEST_MIGRATIONS: await readD1Migrations("./migrations") }, outboundService: { node: outbound } },
            };
          }),
        ],
        test: {
          name: "homeserver",
          include: ["test/homeserver/**/*.test.ts"],
          setupFiles: ["./test/support/setup.ts"],
          testTimeout: 30_000,
          // One homeserver and one set of armed faults for all files.
          fileParallelism: false,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => {
            const { bindings, outbound } = await billingProject();
            return {
              wrangler: { configPath: "./wrangler.toml" },
              miniflare: { bindings: { ...testSecrets, ...bindings, TEST_MIGRATIONS: await readD1Migrations("./migrations") }, outboundService: { node: outbound } },
            };
          }),
        ],
        test: {
          name: "billing",
          include: ["test/billing/**/*.test.ts"],
          setupFiles: ["./test/support/setup.ts"],
          testTimeout: 30_000,
          // One account at each provider for all files.
          fileParallelism: false,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => {
            const { bindings, outbound } = cloudProject();
            return {
              wrangler: { configPath: "./wrangler.toml" },
              miniflare: { bindings: { ...testSecrets, ...bindings, TEST_MIGRATIONS: await readD1Migrations("./migrations") }, outboundService: { node: outbound } },
            };
          }),
        ],
        test: {
          name: "cloud",
          include: ["test/cloud/**/*.test.ts"],
          setupFiles: ["./test/support/setup.ts"],
          testTimeout: 30_000,
          // One account at the provider for all files.
          fileParallelism: false,
        },
      },
    ],
  },
});
