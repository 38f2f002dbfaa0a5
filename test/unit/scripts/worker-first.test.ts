import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../../scripts/lib/paths.mjs";

/** Paths that wrangler.toml does not name go to the console's files, and the product never hears of them. */
const lists = [...readFileSync(inRoot("wrangler.toml"), "utf8").matchAll(/^run_worker_first = (\[.*\])$/gm)].map((match) => JSON.parse(match[1] ?? "[]") as string[]);

const covers = (pattern: string, path: string): boolean => (pattern.endsWith("/*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern);

describe("run_worker_first", () => {
  it("is the same in every environment", () => {
    expect(lists).toHaveLength(3);
    expect(new Set(lists.map((list) => JSON.stringify(list))).size).toBe(1);
  });

  it("lets every operation reach the worker", () => {
    const paths = readdirSync(inRoot("openapi")).flatMap((file) => Object.keys((JSON.parse(readFileSync(inRoot(`openapi/${file}`), "utf8")) as { paths: Record<string, unknown> }).paths));
    expect(paths.length).toBeGreaterThan(300);
    expect(paths.filter((path) => !lists[0]?.some((pattern) => covers(pattern, path)))).toEqual([]);
  });
});
