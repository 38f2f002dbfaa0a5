/** A real Synapse for tests: installed on first use, fresh and empty at every start, gone with the process that started it. */
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SERVER_NAME, writeSynapseConfig } from "./synapse-config.mjs";
import { installSynapse, SYNAPSE_VERSION, SynapseUnavailable } from "./synapse-install.mjs";

const START_TIMEOUT_MS = 90_000;
const POLL_MS = 50;
/** In memory where that can be had: SQLite waits for the disk at every commit, which doubles what a new room takes. */
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/**
 * Runs Synapse in one process that ends itself, and clears its folder away, when our end of its standard input closes, which it
 * does however we die.
 */
const LAUNCHER = `
import os, shutil, sys, threading
config, folder = sys.argv[1:3]
def watch():
    os.read(0, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
sys.argv = ["synapse", "-c", config]
from synapse.app.homeserver import main
main()
`;

/**
 * A homeserver for tests, real or not, and the secrets of it.
 * @typedef {{ kind: "synapse" | "double", baseUrl: string, serverName: string, adminToken: string, asToken: string, registrationSecret: string, version: string }} Homeserver
 */

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

/** @param {string} url @param {RequestInit} [init] @returns {Promise<{ status: number, body: Record<string, unknown> }>} */
async function call(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
}

/** Makes a server administrator by the shared secret. @param {string} baseUrl @param {string} secret @returns {Promise<string>} its access token */
async function registerAdmin(baseUrl, secret) {
  const url = `${baseUrl}/_synapse/admin/v1/register`;
  const { body: { nonce } } = await call(url);
  const [username, password] = ["sett_admin", "admin-of-the-tests"];
  const mac = createHmac("sha1", secret).update([nonce, username, password, "admin"].join("\0")).digest("hex");
  const { status, body } = await call(url, { method: "POST", body: JSON.stringify({ nonce, username, password, admin: true, mac }) });
  if (status !== 200) throw new Error(`the administrator was not made: ${status} ${JSON.stringify(body)}`);
  return String(body["access_token"]);
}

/** @param {string} baseUrl @param {string} adminToken */
async function hasBackgroundUpdates(baseUrl, adminToken) {
  const { status, body } = await call(`${baseUrl}/_synapse/admin/v1/background_updates/status`, { headers: { authorization: `Bearer ${adminToken}` } });
  return status !== 200 || Object.keys(Object(body["current_updates"])).length > 0;
}

/**
 * Starts Synapse on a free loopback port, with an empty database.
 * @param {{ log?: (text: string) => void }} [options] `log` is told of progress
 * @returns {Promise<Homeserver & { stop: () => Promise<void> }>}
 * @throws {SynapseUnavailable}
 */
export async function startSynapse({ log = () => {} } = {}) {
  const python = await installSynapse(log);
  const folder = mkdtempSync(join(SCRATCH, "sett-synapse-"));
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const { configPath, asToken, registrationSecret } = writeSynapseConfig(folder, port);
  const child = spawn(python, ["-c", LAUNCHER, configPath, folder], { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  const gone = new Promise((resolve) => child.on("close", () => resolve(undefined)).on("error", () => resolve(undefined)));
  let running = true;
  void gone.then(() => (running = false));
  let output = "";
  /** @param {Buffer} chunk */
  const keep = (chunk) => (output = (output + chunk.toString("utf8")).slice(-8_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);

  const stop = async () => {
    if (running) child.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  /** @param {string} what @param {() => Promise<boolean>} isReady */
  const until = async (what, isReady) => {
    while (!(await isReady().catch(() => false))) {
      if (!running || Date.now() > deadline) throw new SynapseUnavailable("start_failed", `${what} ${running ? "took too long" : "and it ended"}\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  try {
    await until("waiting for its health", async () => (await fetch(`${baseUrl}/health`)).ok);
    const { body } = await call(`${baseUrl}/_synapse/admin/v1/server_version`);
    // It adds the git state of the folder that it lies in, which is ours.
    const [version = ""] = String(body["server_version"]).split(" ");
    if (version !== SYNAPSE_VERSION) throw new SynapseUnavailable("wrong_version", `it says to be ${version}`);
    const adminToken = await registerAdmin(baseUrl, registrationSecret);
    await until("waiting for background updates", async () => !(await hasBackgroundUpdates(baseUrl, adminToken)));
    return { kind: "synapse", baseUrl, serverName: SERVER_NAME, adminToken, asToken, registrationSecret, version, stop };
  } catch (error) {
    await stop();
    throw error instanceof SynapseUnavailable ? error : new SynapseUnavailable("start_failed", `${String(error)}\n${output}`);
  }
}
