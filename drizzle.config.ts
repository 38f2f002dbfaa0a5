import { defineConfig } from "drizzle-kit";

/** Only compares: migrations are written and numbered by hand, `npm run check` proves that they build this schema. */
export default defineConfig({ dialect: "sqlite", schema: "./src/schema/*.ts", out: "./.cache/drizzle" });
