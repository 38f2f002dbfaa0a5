import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { testSecrets } from "./test/support/secrets";

/** Two projects: pure code in Node, everything that touches the platform in workerd. */
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
    ],
  },
});
