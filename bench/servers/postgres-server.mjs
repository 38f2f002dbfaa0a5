/** A PostgreSQL of the bench's own: in the run's folder, on loopback, as a user without rights, ended by pid. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { freePort, startChild } from "./child.mjs";

const DEBIAN_ROOT = "/usr/lib/postgresql";
const CREATE_CLUSTER_CONF = "/etc/postgresql-common/createcluster.conf";

/** Folder of initdb and postgres, the newest of Debian's first; null when there is none. */
export function findPostgres() {
  const debian = existsSync(DEBIAN_ROOT) ? readdirSync(DEBIAN_ROOT).sort((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN_ROOT, version, "bin")) : [];
  return [...debian, ...(process.env["PATH"] ?? "").split(delimiter)].find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))) ?? null;
}

/** Installs PostgreSQL from Debian's packages, without the cluster that the package would create and start. @throws when that is not possible */
export function installPostgres() {
  if (process.getuid?.() !== 0) throw new Error("--postgres install needs root; install PostgreSQL yourself and use --postgres use");
  const apt = (/** @type {string[]} */ ...args) => {
    const { status, stderr } = spawnSync("apt-get", ["-y", "-q", "--no-install-recommends", ...args], { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    if (status !== 0) throw new Error(`apt-get ${args.join(" ")} failed: ${(stderr ?? "").trim().split("\n").at(-1)}`);
  };
  apt("update");
  apt("install", "postgresql-common");
  if (existsSync(CREATE_CLUSTER_CONF)) {
    const text = readFileSync(CREATE_CLUSTER_CONF, "utf8");
    if (!/^\s*create_main_cluster\s*=\s*false/m.test(text)) writeFileSync(CREATE_CLUSTER_CONF, `${text.replace(/^\s*create_main_cluster\s*=.*$/m, "")}\ncreate_main_cluster = false\n`);
  }
  apt("install", "postgresql");
}

/** PostgreSQL refuses to run as root: then `postgres` or `nobody` does it. @returns {{ uid: number, gid: number } | null} null to stay who we are */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  if (!user) throw new Error("there is no user postgres or nobody to run PostgreSQL as");
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/** @param {{ folder: string, stateDir: string }} options binaries, and where its data goes @returns {Promise<{ url: string, pid: number, stop: () => Promise<void> }>} */
export async function startPostgresServer({ folder, stateDir }) {
  const identity = unprivilegedUser();
  const home = join(stateDir, "server");
  const data = join(home, "data");
  const secretFile = join(home, "password");
  const password = randomBytes(12).toString("hex");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(secretFile, password, { mode: 0o600 });
  if (identity !== null) {
    // The run's folders are ours alone; PostgreSQL's user has to pass through them.
    for (const folderAbove of [stateDir, dirname(stateDir)]) chmodSync(folderAbove, 0o711);
    for (const path of [home, secretFile]) chownSync(path, identity.uid, identity.gid);
  }
  const init = spawnSync(join(folder, "initdb"), ["-D", data, "-U", "bench", "-A", "scram-sha-256", "--pwfile", secretFile, "-E", "UTF8", "--locale=C"], { ...identity, cwd: home, encoding: "utf8" });
  if (init.status !== 0) throw new Error(`initdb failed: ${(init.stderr ?? init.error?.message ?? "").trim()}`);
  const port = await freePort();
  const { pid, stop } = await startChild({
    command: join(folder, "postgres"),
    args: ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-c", "unix_socket_directories=", "-c", "logging_collector=off"],
    cwd: home,
    ...identity,
    isReady: (line) => (line.includes("ready to accept connections") ? true : null),
  });
  return { url: `postgres://bench:${password}@127.0.0.1:${port}/postgres`, pid, stop };
}
