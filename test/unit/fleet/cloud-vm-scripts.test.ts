import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { shQuote } from "../../../src/fleet/vm-provisioning/install-script.core";
import { installCommand, parseProbe, probeCommand, setupCommand, type ProbeResult } from "../../../src/fleet/vm-provisioning/scripts.core";
import { ScriptedComputer, servePackages, type PackageServer } from "../../support/cloud-vm/computer";
import { processesOf, until } from "../../support/vm-agent/start";

let packages: PackageServer;
let computer: ScriptedComputer;

// Installations and daemons are real processes.
vi.setConfig({ testTimeout: 30_000 });

const probe = async (): Promise<ProbeResult | null> => parseProbe((await computer.run(probeCommand())).output);
const install = async (): Promise<void> => {
  const { exitCode, output } = await computer.run(installCommand({ serverUrl: packages.origin }));
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: "" });
};
const untilState = (state: ProbeResult["state"]): Promise<ProbeResult> =>
  until(async () => {
    const now = await probe();
    return now?.state === state ? now : undefined;
  }, 20_000);
/** No local machine: it may be given what it lacks, and has services. Its administrator is none here, and the computer under it is safe. */
const rented = (): ScriptedComputer => {
  const made = new ScriptedComputer({ SETT_NODE_DIST: `${packages.origin}/node`, SETT_VM: "" });
  made.program("id", "echo 1000");
  made.program("sudo", "exit 1");
  made.program("crontab", `if [ "$1" = -l ]; then cat "$HOME/crontab" 2>/dev/null; else cat > "$HOME/crontab.new" && mv "$HOME/crontab.new" "$HOME/crontab"; fi`);
  return made;
};
const stages = (): string[] => computer.read(".sett/install.log").split("\n").filter((line) => line.startsWith("== ")).map((line) => line.slice(3));

beforeAll(async () => void (packages = await servePackages()));
afterAll(() => packages.close());
beforeEach(() => {
  packages.trouble = "none";
  computer = new ScriptedComputer({ SETT_NODE_DIST: `${packages.origin}/node` });
});
afterEach(() => computer.close());

describe("the installation", () => {
  it("is absent, runs in the background, and is done; starting it more often does it once", async () => {
    expect(await probe()).toEqual({ state: "absent", percent: 0, detail: "" });
    const startedAt = Date.now();
    await Promise.all([install(), install(), install()]);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    expect((await probe())?.state).toMatch(/running|done/);
    expect(await untilState("done")).toEqual({ state: "done", percent: 100, detail: "Installed" });
    await install();
    expect(await probe()).toMatchObject({ state: "done" });
    expect(stages()).toEqual(["Looking for Node", "Installing the Sett daemon"]);
    expect((await computer.run(`"$HOME/.sett/cli/bin/sett" --version`)).output).toBe("9.9.9\n");
    expect(statSync(join(computer.home, ".sett")).mode & 0o777).toBe(0o700);
    expect(existsSync(join(computer.home, ".sett/install.lock"))).toBe(false);
  });

  it("tells why it failed, and may be tried again", async () => {
    packages.trouble = "missing";
    await install();
    const failed = await untilState("failed");
    expect(failed).toMatchObject({ percent: 45 });
    expect(failed.detail).toMatch(/^Installing the Sett daemon: npm error.*404/);
    packages.trouble = "none";
    await install();
    expect((await probe())?.state).not.toBe("failed");
    await untilState("done");
  });

  it("that dies in the middle has failed, and starts anew over what it left", async () => {
    packages.trouble = "hangs";
    await install();
    expect(await until(async () => ((await probe())?.percent === 45 ? probe() : undefined))).toEqual({ state: "running", percent: 45, detail: "Installing the Sett daemon" });
    await computer.endProcesses();
    expect(await probe()).toEqual({ state: "failed", percent: 0, detail: "The installation was interrupted" });
    expect(existsSync(join(computer.home, ".sett/install.lock"))).toBe(true);
    packages.trouble = "none";
    await Promise.all([install(), install()]);
    await untilState("done");
    expect(stages()).toHaveLength(4);
  });

  it("counts as absent when the software is not there any more", async () => {
    await install();
    await untilState("done");
    await computer.run('rm -rf "$HOME/.sett/cli"');
    expect(await probe()).toMatchObject({ state: "absent" });
    await install();
    await untilState("done");
  });

  it("does not touch the computer under a local machine", async () => {
    computer.program("node", "exit 1");
    await install();
    expect((await untilState("failed")).detail).toContain("This local machine has no Node that fits");
  });

  it("brings Node where there is none, and only the one that was promised", async () => {
    await computer.close();
    computer = rented();
    computer.program("node", "exit 1");
    packages.trouble = "wrong_checksum";
    await install();
    expect((await untilState("failed")).detail).toMatch(/^Unpacking Node: .*checksum/);
    packages.trouble = "none";
    await install();
    await untilState("done");
    expect(stages().slice(-4)).toEqual(["Looking for Node", "Downloading Node", "Unpacking Node", "Installing the Sett daemon"]);
    expect((await computer.run('"$HOME/.sett/node/bin/node" -p 1+1')).output).toBe("2\n");
  });
});

describe("the set-up", () => {
  const HOSTILE = `it's "x" $(touch pwned) \`touch pwned\` \\ %s\nSETT_END\nSETT_END_\n'; touch pwned; ' é -- #`;
  const input = { instanceId: "bc-1", fingerprint: "f".repeat(64), token: "sett_tok", label: "den", env: { ANTHROPIC_API_KEY: "sk-ant-very-secret" } };
  const setUp = (changes: Partial<Parameters<typeof setupCommand>[0]> = {}): Promise<{ readonly exitCode: number; readonly output: string }> => computer.run(setupCommand({ serverUrl: packages.origin, ...input, ...changes }));
  const model = new ScriptedComputer();
  const installed = (): void => cpSync(join(model.home, ".sett"), join(computer.home, ".sett"), { recursive: true, verbatimSymlinks: true });

  beforeAll(async () => {
    await model.run(installCommand({ serverUrl: packages.origin }));
    await until(async () => parseProbe((await model.run(probeCommand())).output)?.state === "done");
  });
  afterAll(() => model.close());

  const daemons = () => until(() => (computer.runs("up").length > 0 ? computer.runs("up") : undefined));
  const bootsOf = (): number[] => processesOf(computer.home).filter((pid) => /boot\.sh/.test(readCmdline(pid)));
  const readCmdline = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return "";
    }
  };

  it("refuses a computer without the software", async () => {
    expect((await setUp()).exitCode).toBe(1);
  });

  it("gives the daemon exactly what it was given, whatever that is", async () => {
    installed();
    expect(await setUp({ label: HOSTILE, instanceId: `id ${HOSTILE}`, env: { ANTHROPIC_API_KEY: HOSTILE, OTHER: "" } })).toMatchObject({ exitCode: 0 });
    const [daemon] = await daemons();
    expect(daemon?.args).toEqual(["-q", "up", `--name=${HOSTILE}`, "--no-openclaw"]);
    expect(daemon?.env).toMatchObject({ SETT_SERVER: packages.origin, SETT_INSTANCE_ID: `id ${HOSTILE}`, SETT_FINGERPRINT: input.fingerprint, ANTHROPIC_API_KEY: HOSTILE, OTHER: "", SETT_HOME: join(computer.home, ".sett/daemon"), npm_config_prefix: join(computer.home, ".sett/cli") });
    expect(computer.runs("login").map(({ stdin, args }) => [stdin, args])).toEqual([["sett_tok\n", ["login", "--token", "-"]]]);
    for (const folder of [".", ".sett"]) expect(existsSync(join(computer.home, folder, "pwned"))).toBe(false);
  });

  it("keeps secrets where only the administrator reads them", async () => {
    installed();
    const { output } = await setUp();
    await daemons();
    expect(statSync(join(computer.home, ".sett/env")).mode & 0o777).toBe(0o600);
    for (const secret of [input.token, input.env.ANTHROPIC_API_KEY]) {
      expect(output).not.toContain(secret);
      for (const name of ["install.log", "install.sh", "install.json", "daemon.log", "boot.sh"]) expect(computer.read(`.sett/${name}`)).not.toContain(secret);
      expect(processesOf(computer.home).map(readCmdline).join("\n")).not.toContain(secret);
    }
  });

  it("starts the daemon again when it dies, and gives up when its token is dead", async () => {
    installed();
    await setUp();
    const [first] = await daemons();
    process.kill(first?.pid ?? 0, "SIGKILL");
    await until(() => computer.runs("up").length === 2);
    writeFileSync(join(computer.home, "end-with"), "3");
    await until(() => bootsOf().length === 0);
    expect(computer.runs("up")).toHaveLength(2);
  });

  it("replaces the daemon that runs, and never has two", async () => {
    installed();
    await setUp();
    await daemons();
    expect(await setUp({ token: "another", label: "new" })).toMatchObject({ exitCode: 0 });
    await until(() => computer.runs("up").length === 2);
    expect(bootsOf()).toHaveLength(1);
    expect(processesOf(computer.home).filter((pid) => / up --name/.test(readCmdline(pid)))).toEqual([computer.runs("up")[1]?.pid]);
    expect(computer.runs("login").map(({ stdin }) => stdin)).toEqual(["sett_tok\n", "another\n"]);
    // At a boot nobody sets up: the script alone does.
    await computer.endProcesses();
    await computer.run('nohup sh "$HOME/.sett/boot.sh" >/dev/null 2>&1 & sh "$HOME/.sett/boot.sh" & sleep 0.3');
    await until(() => computer.runs("up").length === 3);
    expect(bootsOf()).toHaveLength(1);
    expect(computer.runs("up")[2]?.args).toContain("--name=new");
  });

  it("is started at boot by cron where there is no systemd, once, beside what was there", async () => {
    await computer.close();
    computer = rented();
    installed();
    writeFileSync(join(computer.home, "crontab"), "0 5 * * * backup\n");
    await setUp();
    await setUp();
    expect(computer.read("crontab")).toBe(`0 5 * * * backup\n@reboot /bin/sh '${computer.home}/.sett/boot.sh'\n`);
    await daemons();
  });

  it("fails when the server does not take the token, and starts nothing", async () => {
    installed();
    expect((await setUp({ token: "dead" })).exitCode).toBe(3);
    expect(bootsOf()).toEqual([]);
  });

  it("has the daemon run OpenClaw where that is installed, and leaves an owner's own settings alone", async () => {
    installed();
    await setUp({ watchesRuntime: true });
    expect((await daemons())[0]?.args).toEqual(["-q", "up", "--name=den"]);
    expect(JSON.parse(computer.read(".sett/daemon/config.json"))).toEqual({ watch: [{ name: "openclaw", command: ["openclaw", "gateway", "run", "--allow-unconfigured"], restart: "always", gateway: true }] });
    writeFileSync(join(computer.home, ".sett/daemon/config.json"), "{}");
    await setUp({ watchesRuntime: true });
    expect(computer.read(".sett/daemon/config.json")).toBe("{}");
  });

  it("takes no variable whose name could be more than a name", () => {
    expect(() => setupCommand({ serverUrl: packages.origin, ...input, env: { "A=1; rm -rf ~": "x" } })).toThrow(RangeError);
  });
});

describe("texts", () => {
  it("are named in their first line, for whoever plays a computer", () => {
    const settings = (command: string): unknown => JSON.parse(Buffer.from(command.split("\n")[0]?.split(" ")[2] ?? "", "base64url").toString());
    expect(probeCommand().split("\n")[0]).toBe("# sett:probe");
    expect(settings(installCommand({ serverUrl: "https://x.test" }))).toMatchObject({ server_url: "https://x.test" });
    const setup = setupCommand({ serverUrl: "https://x.test", instanceId: "i", fingerprint: "f", token: "t", label: "é", env: { A: "1" } });
    expect(setup).toMatch(/^# sett:setup /);
    expect(settings(setup)).toEqual({ server_url: "https://x.test", instance_id: "i", fingerprint: "f", token: "t", label: "é", env: { A: "1" } });
  });

  it("quote for sh", () => {
    expect(shQuote("a'b\0c")).toBe(`'a'\\''bc'`);
  });

  it.each([
    ["", null],
    ["welcome", null],
    ['{"sett":1,"state":"running","percent":40', null],
    ['{"sett":1,"state":"sleeping","percent":4,"detail":""}', null],
    ['{"sett":1,"state":"done","percent":100,"detail":"x"}\nand more', null],
    ['noise\n{"sett":1,"state":"running","percent":40.9,"detail":"d"}\n\n', { state: "running", percent: 40, detail: "d" }],
    ['{"sett":1,"state":"failed","percent":900,"detail":7}', { state: "failed", percent: 100, detail: "" }],
  ])("reads %j", (output, result) => {
    expect(parseProbe(output)).toEqual(result);
  });
});
