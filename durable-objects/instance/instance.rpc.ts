import type { MachineEvent } from "../account-feed/account-feed.rpc";
import type { ShownEntry } from "../shared/inspection";
import type { ContractPointer, GovernanceFacts, GovernAnswer, MachineContract } from "./governance.rpc";
import type { BotDetail, HeartbeatPayload, HistoryEntry, LinkKind, MachineDetail, MachineSkill, MachineSummary } from "./machine.rpc";
import type { RosterBot } from "./bot-pairings.core";
import type { AnyCommandType, CommandStatus, CommandView, PendingCommand } from "../../src/fleet/commands/commands.core";
import type { PairingPhase } from "../../src/fleet/pairings/pairings.core";

export type { RosterBot } from "./bot-pairings.core";

/** Which machine of whom. Travels with every call, so that one object could serve several machines. */
export interface InstanceRef {
  readonly userId: number;
  readonly instanceId: string;
}

/** Who holds the link or sent the beat, as far as an object cares. */
export interface Caller {
  /** Null for a person's access token. */
  readonly tokenId: string | null;
  /** When the credential ends, ms; null when it never does. */
  readonly expiresAt: number | null;
}

/** Facts of registration; the owner's side of the machine. */
export interface Registration {
  readonly label: string;
  readonly version: string;
  readonly provider: string | null;
  readonly orgoWorkspaceId: string | null;
  readonly orgoWorkspaceName: string | null;
  readonly orgoComputerId: string | null;
  /** When its owner first registered it (ms): tells two machines that had the same id one after the other apart. */
  readonly createdAt: number;
}

/** How far a cloud machine is. Written by `cloud-vms` at each change of its row. */
export interface Provisioning {
  /** The row's version; an older one does not overwrite a newer. */
  readonly seq: number;
  readonly status: string;
  readonly step: string;
  /** 0 to 100 of the whole way. */
  readonly percent: number;
  /** 0 to 100 of this step. */
  readonly stepPercent: number;
  readonly detail: string | null;
  /** ms */
  readonly at: number;
}

/**
 * `gone`: unknown, deleted or foreign. `unknownToken`: ask D1 whether this token may speak for this machine, then call
 * `admitToken` and repeat. `revoked`: the token was cut.
 */
export type Refusal = { readonly kind: "gone" } | { readonly kind: "unknownToken"; readonly instanceId: string } | { readonly kind: "revoked" };

export type BeatAnswer = { readonly kind: "ok"; readonly pending: readonly PendingCommand[]; readonly beatIntervalSeconds: number; readonly contract: ContractPointer | null } | Refusal;

export type CommandAnswer = { readonly kind: "ok"; readonly command: CommandView } | { readonly kind: "finished"; readonly command: CommandView } | Refusal;

/** The tenant that governs the machine is suspended: it is given no work. */
interface Suspended {
  readonly kind: "suspended";
  readonly tenant: string;
}

export type EnqueueAnswer = { readonly kind: "ok"; readonly command: CommandView; readonly reachable: boolean } | { readonly kind: "gone" } | { readonly kind: "queueFull" } | Suspended;

export interface NewCommand {
  readonly type: AnyCommandType;
  readonly payload: Readonly<Record<string, unknown>> | null;
  /** A repeat with the same key gets the first command. */
  readonly idempotencyKey: string | null;
}

export interface CommandResult {
  readonly status: "success" | "failed";
  readonly result: string;
  readonly newVersion: string | null;
}

/** `gone`: the machine has no such bot by this pairing. `notBroken`: only a degraded or failed pairing is repaired. */
export type RepairAnswer =
  | { readonly kind: "ok"; readonly commandId: string }
  | { readonly kind: "gone" }
  | { readonly kind: "notBroken"; readonly phase: PairingPhase }
  | { readonly kind: "queueFull" }
  | Suspended;

/** Why a token may not speak for a machine any more. */
export type TokenCut = "revoked" | "unbound";

/** What an object cost so far; see docs/design/hot-path.md. */
export interface Spending {
  readonly rowsWritten: number;
  readonly alarmsSet: number;
  readonly feedCalls: number;
  readonly constructions: number;
}

/** A machine as its object has it, for operators: raw parts under their own names, secrets redacted, long texts cut. Times in ISO 8601. */
export interface InstanceInspection {
  readonly registration: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
  readonly live: Readonly<Record<string, unknown>>;
  readonly flushedAt: string;
  readonly unannounced: boolean;
  readonly projectedOnline: boolean | null;
  readonly samples: number;
  readonly link: { readonly kind: LinkKind; readonly since: string | null };
  /** Its contract without the signature, and what it reports of it; null when it was never governed. */
  readonly governance: Readonly<Record<string, unknown>> | null;
  readonly tokens: readonly { readonly id: string; readonly cut: TokenCut | null }[];
  readonly alarms: readonly { readonly reason: string; readonly dueAt: string; readonly overdue: boolean }[];
  /** Of the last 24 hours, newest first. */
  readonly commands: readonly Readonly<Record<string, unknown>>[];
  /** What links replay, newest first. */
  readonly events: readonly ShownEntry[];
  readonly history: readonly HistoryEntry[];
}

/** RPC surface of InstanceDO. Streams and sockets come through `fetch`. */
export interface InstanceRpc {
  /** Creates or updates the machine's tables. Only now does storage come into being. */
  register(ref: InstanceRef, registration: Registration): Promise<void>;
  /** One heartbeat over HTTP. */
  beat(ref: InstanceRef, caller: Caller, payload: HeartbeatPayload): Promise<BeatAnswer>;
  /** D1 vouched for this token on this machine. Registering lifts an unbinding; nothing lifts a revocation. */
  admitToken(ref: InstanceRef, tokenId: string, registering: boolean): Promise<void>;
  /** Goodbye: offline now. */
  disconnect(ref: InstanceRef, caller: Caller): Promise<{ readonly kind: "ok" } | Refusal>;
  /** A token ended, or was freed from this machine: no beat, stream or socket of it passes from now on. With `goOffline` the machine is offline at once. */
  cutToken(ref: InstanceRef, tokenId: string, how: TokenCut, goOffline: boolean): Promise<void>;
  enqueueCommand(ref: InstanceRef, command: NewCommand): Promise<EnqueueAnswer>;
  /** Commands of the last 24 hours, newest first; null when the machine is unknown. */
  listCommands(ref: InstanceRef): Promise<readonly CommandStatus[] | null>;
  /** `gone` when there is no such command of this user. */
  acknowledgeCommand(userId: number, caller: Caller, commandId: string): Promise<CommandAnswer>;
  recordCommandResult(userId: number, caller: Caller, commandId: string, result: CommandResult): Promise<CommandAnswer>;
  getDetail(ref: InstanceRef): Promise<MachineDetail | null>;
  /** Fresh numbers for a list; writes nothing. */
  getSummary(ref: InstanceRef): Promise<MachineSummary | null>;
  /** What the machine said it can do, beat by beat put together; null when the machine is unknown. */
  getCapabilities(ref: InstanceRef): Promise<Readonly<Record<string, unknown>> | null>;
  /** Somebody looks at a dashboard until `until` (ms): report every beat, ask the daemon to beat every `paceMs`. */
  watch(ref: InstanceRef, until: number, paceMs: number): Promise<void>;
  /** One bot of the machine's roster in full; null when it has none by this id. */
  getBot(ref: InstanceRef, botId: string): Promise<BotDetail | null>;
  /** Which bots (by id) live on this machine; beats about others are dropped. A roster older than the known one (`seq`) is ignored. */
  setRoster(ref: InstanceRef, seq: number, roster: Readonly<Record<string, RosterBot>>): Promise<void>;
  /** How far a cloud machine is. Overtaken ones and unknown machines are ignored; what moves is told to the account's dashboards. */
  setProvisioning(ref: InstanceRef, provisioning: Provisioning): Promise<void>;
  /** Asks the machine to refresh a bot whose pairing is degraded or failed; waits in the queue while the machine is away. */
  repairBot(ref: InstanceRef, botId: string, pairingId: string): Promise<RepairAnswer>;
  /** Sends an event to the machine's links, and to the account's streams if they may be this machine's. With `keep` it is replayed to those that reconnect; secrets are never kept. */
  pushEvent(ref: InstanceRef, event: MachineEvent, keep: boolean): Promise<void>;
  /** Skills that the machine's bots reported, by name; empty when the machine is unknown. */
  listSkills(ref: InstanceRef): Promise<readonly MachineSkill[]>;
  /** Text of one skill; null when the machine never told it. */
  getSkillContent(ref: InstanceRef, name: string): Promise<string | null>;
  /** Everything of the machine as it lies there; changes nothing. Null when the machine is unknown. */
  inspect(ref: InstanceRef): Promise<InstanceInspection | null>;
  /** Keeps the machine's newest contract and tells the machine; an older one is ignored. `registeredAt` (ms) tells the machine that is meant from another that has its id now: "gone" then. */
  govern(ref: InstanceRef, contract: MachineContract, registeredAt: number): Promise<GovernAnswer>;
  /** The contract that the machine should have; null when it was never governed, or is unknown. */
  getContract(ref: InstanceRef): Promise<MachineContract | null>;
  /** How the machine and its contract stand; null when it was never governed, or is unknown. */
  getGovernance(ref: InstanceRef): Promise<GovernanceFacts | null>;
  /** Deletes everything of the machine and closes its links. */
  purge(ref: InstanceRef): Promise<void>;
}
