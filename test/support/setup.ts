import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

// Without this a suite can silently run in Node, where nothing it proves is true.
if (navigator.userAgent !== "Cloudflare-Workers") throw new Error("these tests must run in workerd");

const { DB, TEST_MIGRATIONS } = env as unknown as { DB: D1Database; TEST_MIGRATIONS: Parameters<typeof applyD1Migrations>[1] };
await applyD1Migrations(DB, TEST_MIGRATIONS);
