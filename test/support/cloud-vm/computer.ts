import { execFileSync, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { endFamily, newFamily } from "../../../scripts/lib/vm-agent/process-family.mjs";

/** What the stand-in for our command line saw each time it ran. */
export interface SettRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly pid: number;
}

/** Plays `sett`: notes what it was given, refuses the token `dead`, runs as a daemon until it is ended or told to (`end-with` holds the exit code). */
const STAND_IN = `#!/usr/bin/env node
const { appendFileSync, existsSync, readFileSync, writeFileSync, rmSync } = require("node:fs");
const args = process.argv.slice(2);
if (args[0] === "--version") { console.log("9.9.9"); process.exit(0); }
const stdin = args[0] === "login" ? readFileSync(0, "utf8") : "";
const home = process.env.SETT_HOME;
appendFileSync(process.env.HOME + "/runs.jsonl", JSON.stringify({ args, env: process.env, stdin, pid: process.pid }) + "\\n");
if (args[0] === "login") process.exit(stdin.trim() === "dead" ? 3 : 0);
if (args[0] === "down") { process.kill(Number(readFileSync(home + "/daemon.lock", "utf8")), "SIGTERM"); process.exit(0); }
writeFileSync(home + "/daemon.lock", String(process.pid));
process.on("SIGTERM", () => { rmSync(home + "/daemon.lock", { force: true }); process.exit(0); });
setInterval(() => { if (existsSync(process.env.HOME + "/end-with")) process.exit(Number(readFileSync(process.env.HOME + "/end-with", "utf8"))); }, 20);
`;

/** A package as `npm pack` makes it. */
function packStandIn(folder: string): Buffer {
  mkdirSync(join(folder, "package/dist"), { recursive: true });
  writeFileSync(join(folder, "package/package.json"), JSON.stringify({ name: "@sett/cli", version: "9.9.9", bin: { sett: "dist/sett.js" } }));
  writeFileSync(join(folder, "package/dist/sett.js"), STAND_IN);
  chmodSync(join(folder, "package/dist/sett.js"), 0o755);
  execFileSync("tar", ["-czf", "cli.tgz", "package"], { cwd: folder });
  return readFileSync(join(folder, "cli.tgz"));
}

/** Node as its makers offer it, except that it is the Node of this test. */
function packNode(folder: string, name: string): Buffer {
  mkdirSync(join(folder, name, "bin"), { recursive: true });
  const npm = execFileSync("sh", ["-c", 'readlink -f "$(command -v npm)"'], { encoding: "utf8" }).trim();
  writeFileSync(join(folder, name, "bin/node"), `#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
  writeFileSync(join(folder, name, "bin/npm"), `#!/bin/sh\nexec '${process.execPath}' '${npm}' "$@"\n`);
  for (const program of ["node", "npm"]) chmodSync(join(folder, name, "bin", program), 0o755);
  execFileSync("tar", ["-czf", `${name}.tar.gz`, name], { cwd: folder });
  return readFileSync(join(folder, `${name}.tar.gz`));
}

export interface PackageServer {
  readonly origin: string;
  /** What is answered instead of the package. */
  trouble: "none" | "missing" | "hangs" | "wrong_checksum";
  close(): Promise<void>;
}

/** Serves `/cli/sett-cli.tgz`, and below `/node` what nodejs.org would. */
export async function servePackages(): Promise<PackageServer> {
  const folder = mkdtempSync(join(tmpdir(), "sett-packages-"));
  const cli = packStandIn(folder);
  const name = `node-v24.16.1-linux-${process.arch === "arm64" ? "arm64" : "x64"}`;
  const node = packNode(folder, name);
  const sum = createHash("sha256").update(node).digest("hex");
  const server = createServer((request, response) => {
    if (packages.trouble === "hangs") return;
    if (request.url === "/cli/sett-cli.tgz" && packages.trouble !== "missing") return void response.end(cli);
    if (request.url === "/node/SHASUMS256.txt") return void response.end(`${"0".repeat(64)}  node-v24.16.1.tar.gz\n${packages.trouble === "wrong_checksum" ? "0".repeat(64) : sum}  ${name}.tar.gz\n`);
    if (request.url === `/node/${name}.tar.gz`) return void response.end(node);
    response.writeHead(404).end("no such file");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const packages: PackageServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    trouble: "none",
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return packages;
}

/** A folder in which scripts believe to be a computer of their own. */
export class ScriptedComputer {
  readonly home = mkdtempSync(join(tmpdir(), "sett-computer-"));
  private readonly id = randomUUID();
  private readonly folderOfPrograms = join(this.home, "programs");

  constructor(private readonly environment: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.folderOfPrograms);
  }

  /** A program of this computer, before all others. */
  program(name: string, script: string): void {
    writeFileSync(join(this.folderOfPrograms, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Feeds a command to sh, as a driver does. */
  run(command: string): Promise<{ readonly exitCode: number; readonly output: string }> {
    return new Promise((resolve) => {
      const path = [this.folderOfPrograms, dirname(process.execPath), process.env["PATH"]].join(delimiter);
      const child = spawn("/bin/sh", [], { cwd: this.home, detached: true, env: { HOME: this.home, PATH: path, SETT_VM: this.id, ...this.environment, SETT_TEST: `SETT_VM=${this.id}` } });
      let output = "";
      child.stdout.on("data", (chunk) => (output += String(chunk)));
      child.stderr.on("data", (chunk) => (output += String(chunk)));
      child.on("close", (code) => resolve({ exitCode: code ?? -1, output }));
      child.stdin.end(command);
    });
  }

  read(name: string): string {
    return readFileSync(join(this.home, name), "utf8");
  }

  /** What our stand-in was run with, oldest first. */
  runs(verb: string): SettRun[] {
    if (!existsSync(join(this.home, "runs.jsonl"))) return [];
    return this.read("runs.jsonl").trim().split("\n").map((line) => JSON.parse(line) as SettRun).filter(({ args }) => args.includes(verb));
  }

  /** Whatever ran here, also where it believes to be no local machine. */
  async endProcesses(): Promise<void> {
    await endFamily(newFamily(this.id));
  }

  async close(): Promise<void> {
    await this.endProcesses();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
