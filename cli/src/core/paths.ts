import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where this machine keeps its login, config, journal and logs. */
export interface Paths {
  readonly home: string;
  readonly auth: string;
  readonly config: string;
  readonly lock: string;
  readonly state: string;
  readonly journal: string;
  readonly machineId: string;
  readonly daemonLog: string;
  readonly logs: string;
  readonly run: string;
  /** One file per bot that lives here, with its credentials (0600), and a folder per Hermes. */
  readonly bots: string;
  /** Held while credentials change: the daemon and `sett pair` both write them. */
  readonly botsLock: string;
  /** The last contract that was proved, and what OpenClaw's settings were before it (both 0600). */
  readonly contract: string;
  readonly ownerSettings: string;
}

/** The folder: --config, then SETT_HOME, then XDG_CONFIG_HOME/sett, then ~/.config/sett. */
export function settPaths(option: string | undefined, env: NodeJS.ProcessEnv = process.env): Paths {
  const fallback = join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "sett");
  const home = resolve(option || env["SETT_HOME"] || fallback);
  const logs = join(home, "logs");
  return {
    home,
    auth: join(home, "auth.json"),
    config: join(home, "config.json"),
    lock: join(home, "daemon.lock"),
    state: join(home, "state.json"),
    journal: join(home, "commands.jsonl"),
    machineId: join(home, "machine-id"),
    daemonLog: join(logs, "daemon.log"),
    logs,
    run: join(home, "run"),
    bots: join(home, "bots"),
    botsLock: join(home, "bots.lock"),
    contract: join(home, "contract.json"),
    ownerSettings: join(home, "owner-settings.json"),
  };
}
