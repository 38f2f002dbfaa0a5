// @ts-check
/**
 * What runs on a computer of the double: a shell that plays our own scripts by their first line (`# sett:probe`, `# sett:install …`,
 * `# sett:setup …`) and understands a few plain commands besides. Nothing is really run.
 */

/** @typedef {{ state: "running" | "done" | "failed", probes: number, detail: string }} Install */

/**
 * `setup` is what the last set-up brought: a test takes it to act as this machine.
 * @typedef {{ install: Install | null, setup: Record<string, unknown> | null, setups: number, boots: number, files: Map<string, string> }} Machine
 */

/**
 * How installations go from now on: done at the `probes`th look, unless they never end (`stalls`). Each of `failures` fails one at the `at`th look.
 * @typedef {{ probes: number, stalls: boolean, failures: { at: number, detail: string }[] }} Installing
 */

/** @typedef {{ exit_code: number, output: string }} Result */

const SCRIPT = /^# sett:(probe|install|setup)(?: ([A-Za-z0-9_-]+))?$/;
const MAX_SLEEP_MS = 60_000;

/** Which of our scripts a command is; null for every other. @param {unknown} command @returns {"probe" | "install" | "setup" | null} */
export function scriptOf(command) {
  const [, name] = SCRIPT.exec(firstLine(command)) ?? [];
  return name === "probe" || name === "install" || name === "setup" ? name : null;
}

/** @param {unknown} command */
const firstLine = (command) => (typeof command === "string" ? (command.split("\n", 1)[0] ?? "").trimEnd() : "");

/** @param {Machine} machine @param {Installing} installing @param {string} command @param {AbortSignal} signal @returns {Promise<Result>} */
export async function run(machine, installing, command, signal) {
  switch (scriptOf(command)) {
    case "probe":
      return { exit_code: 0, output: `Welcome.\n${JSON.stringify(probe(machine, installing))}\n` };
    case "install":
      if (machine.install === null || machine.install.state === "failed") machine.install = { state: "running", probes: 0, detail: "starting" };
      return { exit_code: 0, output: "" };
    case "setup":
      return setUp(machine, command);
    default:
      return runPlain(machine, command, signal);
  }
}

/** @param {Machine} machine @param {Installing} installing */
function probe({ install }, installing) {
  if (install === null) return { sett: 1, state: "absent", percent: 0, detail: "" };
  if (install.state === "running") {
    install.probes += 1;
    const failure = installing.failures[0];
    install.detail = `part ${install.probes} of ${installing.probes}`;
    if (failure && install.probes >= failure.at) {
      installing.failures.shift();
      Object.assign(install, { state: "failed", detail: failure.detail });
    } else if (!installing.stalls && install.probes >= installing.probes) Object.assign(install, { state: "done", detail: "installed" });
  }
  const percent = install.state === "done" ? 100 : Math.min(99, Math.floor((100 * install.probes) / Math.max(1, installing.probes)));
  return { sett: 1, state: install.state, percent, detail: install.detail };
}

/** @param {Machine} machine @param {string} command @returns {Result} */
function setUp(machine, command) {
  if (machine.install?.state !== "done") return { exit_code: 1, output: "sett: not installed\n" };
  const [, , encoded = ""] = SCRIPT.exec(firstLine(command)) ?? [];
  try {
    machine.setup = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
  } catch {
    return { exit_code: 2, output: "sett: settings cannot be read\n" };
  }
  machine.setups += 1;
  return { exit_code: 0, output: "started\n" };
}

/** `echo`, `cat`, `exit`, `sleep`, `true`, `false`; `echo text > file`. @param {Machine} machine @param {string} command @param {AbortSignal} signal @returns {Promise<Result>} */
async function runPlain(machine, command, signal) {
  let output = "";
  let code = 0;
  for (const line of command.split(/[\n;]/).map((part) => part.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
    if (word === "exit") return { exit_code: Number(rest || code), output };
    if (word === "sleep") await sleep(Number(rest) * 1_000, signal);
    else if (word === "echo") {
      const [text = "", file] = rest.split(/\s*>\s*/);
      if (file === undefined) output += `${text}\n`;
      else machine.files.set(file, `${text}\n`);
    } else if (word === "cat") {
      const text = machine.files.get(rest);
      output += text ?? `cat: ${rest}: No such file or directory\n`;
      code = text === undefined ? 1 : 0;
      continue;
    } else if (word !== "true" && word !== "false") {
      output += `sh: ${word}: not found\n`;
      code = 127;
      continue;
    }
    code = word === "false" ? 1 : 0;
  }
  return { exit_code: code, output };
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(ms, MAX_SLEEP_MS));
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
