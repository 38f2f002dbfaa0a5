import { defineConfig } from "vitest/config";
export default defineConfig({ test: { root: "/work/main", include: ["test/unit/cli/*.node.test.ts"], testTimeout: 30000, hookTimeout: 30000, maxWorkers: 2 } });
