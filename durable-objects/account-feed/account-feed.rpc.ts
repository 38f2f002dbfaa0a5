import type { ShownEntry } from "../shared/inspection";
import type { MachineSummary } from "../instance/machine.rpc";

/** Something a dashboard shows; `type` as in docs/design/live-wire.md §4. */
export interface DashboardEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Something a machine obeys; `type` as in docs/design/live-wire.md §3. */
export interface MachineEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface MachineReport {
  /** Rises with every report of a machine; an overtaken one does not overwrite a newer. */
  readonly seq: number;
  readonly summary: MachineSummary;
  readonly events: readonly DashboardEvent[];
  /** Shown to whoever listens, and in no log. */
  readonly passing?: readonly DashboardEvent[];
  /** Whether the summary differs in something a person would notice; otherwise it is only shown, not stored. */
  readonly notable: boolean;
}

export interface Overview {
  readonly totalBots: number;
  readonly onlineBots: number;
  readonly offlineBots: number;
  readonly undeployedBots: number;
  readonly errorBots: number;
  readonly workingBots: number;
  readonly idleBots: number;
  readonly stalledBots: number;
  readonly totalMachines: number;
  readonly onlineMachines: number;
  readonly totalMessagesSent: number;
  readonly totalMessagesReceived: number;
  readonly totalChunkedMessages: number;
  readonly totalErrors: number;
}

/** An account's feed as its object has it, for operators: secrets redacted, long texts cut. Times in ISO 8601. */
export interface FeedInspection {
  readonly overview: Overview;
  readonly unpairedBots: number;
  /** Summaries as last reported; `asOf` is null for those that nobody asked for since the object woke. */
  readonly machines: readonly { readonly instanceId: string; readonly seq: number; readonly asOf: string | null; readonly summary: Readonly<Record<string, unknown>> }[];
  /** Open streams: of dashboards, and of machines that named none. */
  readonly streams: { readonly dashboard: number; readonly sse: number };
  /** Newest first. */
  readonly dashboardEvents: readonly ShownEntry[];
  readonly machineEvents: readonly ShownEntry[];
}

/** RPC surface of AccountFeedDO. Streams come through `fetch`. */
export interface AccountFeedRpc {
  /** Takes a machine's news and shows it; answers until when (ms) somebody watches (0 when nobody does) and how often to beat meanwhile. */
  report(userId: number, report: MachineReport): Promise<{ readonly watchUntil: number; readonly paceMs: number }>;
  getOverview(userId: number): Promise<Overview>;
  listMachines(userId: number): Promise<readonly MachineSummary[]>;
  removeMachine(userId: number, instanceId: string): Promise<void>;
  /** An event for machine streams that named no machine. `targetInstanceId` hides it from unknown streams unless the account has just that machine. With `keep` it is replayed to those that reconnect; secrets are never kept. */
  publish(userId: number, event: MachineEvent, targetInstanceId: string | null, keep: boolean): Promise<void>;
  /** What is kept of commands is not told again: a machine of the account must not get them now. Whoever reconnects hears `resync` instead. Harmless when repeated. */
  withdrawCommands(userId: number): Promise<void>;
  /** How many bots of the account are on no machine; the overview counts them. */
  setUnpairedBots(userId: number, count: number): Promise<void>;
  /** Empties the object and closes its streams: the account is gone. Harmless when repeated. */
  purge(userId: number): Promise<void>;
  /** Everything of the feed as it lies there; asks no machine and changes nothing. */
  inspect(userId: number): Promise<FeedInspection>;
  /** Closes the account's streams that were opened with a person's token. */
  cutPeople(userId: number): Promise<void>;
  /** Closes the account's streams that were opened with this token. */
  cutToken(userId: number, tokenId: string): Promise<void>;
}
