import type { Beat, GovernanceBeat } from "../core/api-types";
import { CLI_VERSION } from "../version";
import { ProgramFinder } from "../watch/openclaw";
import type { Supervisor } from "../watch/supervisor";
import type { BotHost } from "./bot-host";
import { readMachineFacts } from "./machine-facts";

const HERMES_POLL_MS = 30_000;

/** Puts together what a beat says: figures read now, the watched processes, and what is installed. */
export class BeatBuilder {
  private readonly programs: ProgramFinder;
  private hermes = { checkedAt: Number.NEGATIVE_INFINITY, running: false };

  /** `onNews` is called when something slow to ask (a program's version) has become known. */
  constructor(
    private readonly supervisor: Supervisor,
    private readonly startedAt: string,
    onNews: () => void,
    private readonly bots: Pick<BotHost, "beats" | "hermesCapability">,
    private readonly governance: () => GovernanceBeat | undefined,
  ) {
    this.programs = new ProgramFinder(onNews);
  }

  build(lastRestart: string | null): Beat {
    const facts = readMachineFacts();
    const gateway = this.supervisor.gateway();
    const governance = this.governance();
    return {
      hostname: facts.hostname,
      os: facts.os,
      arch: facts.arch,
      cli_version: CLI_VERSION,
      mem_free_mb: facts.memFreeMb,
      mem_total_mb: facts.memTotalMb,
      load1: facts.load1,
      cpu_count: facts.cpuCount,
      uptime_seconds: facts.uptimeSeconds,
      gateway_status: gateway.status,
      gateway_pid: gateway.pid,
      last_gateway_restart: lastRestart,
      capabilities: this.capabilities(),
      watched: this.supervisor.watched(),
      bots: this.bots.beats(),
      daemon: { version: CLI_VERSION, pid: process.pid, started_at: this.startedAt },
      ...(governance === undefined ? {} : { governance }),
    };
  }

  private capabilities(): Record<string, unknown> {
    const hermes = this.programs.look("hermes");
    if (hermes.installed && Date.now() - this.hermes.checkedAt > HERMES_POLL_MS) {
      this.hermes = { checkedAt: Date.now(), running: this.supervisor.hermesRunning() };
    }
    const openclaw = this.programs.look("openclaw");
    return {
      openclaw: openclaw.installed ? { ...openclaw, running: this.supervisor.openclawRunning() } : openclaw,
      hermes: this.bots.hermesCapability(hermes, this.hermes.running),
    };
  }
}
