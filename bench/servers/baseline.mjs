import { spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { OUT_DIR } from "../lib/scratch.mjs";
import { freePort, startChild } from "./child.mjs";
import { findPostgres, installPostgres, startPostgresServer } from "./postgres-server.mjs";
import { inLanes, MACHINES_PER_ACCOUNT } from "./real-fleet.mjs";

const MODULES = join(OUT_DIR, "baseline");
const MANIFEST = inRoot("bench/baseline/package.json");

/** Why the comparison cannot run, or null. @param {"install" | "use" | "skip"} mode */
export function whyNoBaseline(mode) {
  if (mode === "skip") return "left out (--postgres use or install measures it)";
  if (process.platform !== "linux") return "needs Linux";
  return mode === "use" && findPostgres() === null ? "PostgreSQL is not installed (--postgres install installs it, as root)" : null;
}

/** Installs fastify and pg into the cache folder, once per content of their manifest. */
function installModules() {
  const manifest = join(MODULES, "package.json");
  if (existsSync(join(MODULES, "node_modules/pg")) && existsSync(join(MODULES, "node_modules/fastify")) && readFileSync(manifest, "utf8") === readFileSync(MANIFEST, "utf8")) return;
  mkdirSync(MODULES, { recursive: true });
  copyFileSync(MANIFEST, manifest);
  const { status, stderr } = spawnSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], { cwd: MODULES, encoding: "utf8", timeout: 120_000 });
  if (status !== 0) throw new Error(`fastify and pg could not be installed: ${(stderr ?? "").trim().split("\n").at(-1)}`);
}

/** The obvious server on PostgreSQL: see bench/baseline/server.mjs. @param {{ stateDir: string, mode: "install" | "use" | "skip" }} options @returns {Promise<import("./child.mjs").BenchServer>} */
export async function startBaseline({ stateDir, mode }) {
  if (mode === "install" && findPostgres() === null) installPostgres();
  const folder = findPostgres();
  if (folder === null) throw new Error("PostgreSQL is not installed");
  installModules();
  const key = randomBytes(32).toString("hex");
  const database = await startPostgresServer({ folder, stateDir });
  try {
    const port = await freePort();
    const app = await startChild({
      args: [inRoot("bench/baseline/server.mjs")],
      env: { BASELINE_MODULES: MODULES, DATABASE_URL: database.url, TOKEN_KEY: key, PORT: String(port), NODE_ENV: "production" },
      isReady: (line) => (line === "ready" ? true : null),
    });
    /** @param {number} userId @param {string} instanceId */
    const mint = (userId, instanceId) => `${userId}.${instanceId}.${createHmac("sha256", key).update(`${userId}.${instanceId}`).digest("base64url")}`;
    return {
      target: { host: "127.0.0.1", port },
      roots: [app.pid, database.pid],
      offers: ["streams", "commands"],
      createFleet: (machines) =>
        inLanes(machines, async (index) => {
          const userId = 1 + Math.floor(index / MACHINES_PER_ACCOUNT);
          const instanceId = `bench-${index}`;
          const token = mint(userId, instanceId);
          const response = await fetch(`http://127.0.0.1:${port}/api/v1/openclaw/register`, {
            method: "POST",
            headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
            body: JSON.stringify({ instance_id: instanceId, label: "den" }),
          });
          if (!response.ok) throw new Error(`register answered ${response.status}: ${await response.text()}`);
          await response.arrayBuffer();
          return { instanceId, token, userToken: mint(userId, "owner") };
        }),
      stop: async () => {
        await app.stop();
        await database.stop();
      },
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}
