import type { BotTimings } from "../bots/bot-timings";
import type { Auth } from "../core/auth-store";
import type { ApiClient } from "../core/http";
import type { Logger } from "../core/log";
import type { Paths } from "../core/paths";
import type { Resolver } from "../governance/egress-proxy";
import type { Transport } from "../link/ladder";
import type { LinkTimings } from "../link/link";
import type { CrashLoopPolicy } from "../watch/crash-loop";
import type { WatchEntry } from "../watch/watch-entry";
import type { WatchTimings } from "../watch/watcher";
import type { DaemonEvent } from "./events";

export interface DaemonOptions {
  readonly paths: Paths;
  readonly api: ApiClient;
  readonly auth: Auth;
  readonly label: string;
  readonly transport: Transport;
  readonly configFile: string;
  readonly configMustExist: boolean;
  /** Entries of `--watch`, before those of the config file. */
  readonly flagEntries: readonly WatchEntry[];
  readonly leaveRunning: boolean;
  readonly openclaw: boolean;
  readonly log: Logger;
  onEvent(event: DaemonEvent): void;
  readonly linkTimings?: LinkTimings;
  readonly watchTimings?: WatchTimings;
  readonly crashPolicy?: CrashLoopPolicy;
  readonly botTimings?: BotTimings;
  /** How the agents' proxy finds addresses. */
  readonly resolve?: Resolver;
  /** Replaces the config's way to run Hermes. */
  readonly hermesCommand?: readonly string[];
}
