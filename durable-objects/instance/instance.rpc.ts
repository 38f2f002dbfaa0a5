import type { HeartbeatPayload, MachineDetail, MachineSummary } from "./machine.rpc";
import type { RosterBot } from "./machine.core";
import type { CommandStatus, CommandType, CommandView, PendingCommand } from "../../src/fleet/commands/commands.core";

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
}

/**
 * `gone`: unknown, deleted or foreign. `unknownToken`: ask D1 whether this token may speak for this machine, then call
 * `admitToken` and repeat. `revoked`: the token was cut.
 */
export type Refusal = { readonly kind: "gone" } | { readonly kind: "unknownToken"; readonly instanceId: string } | { readonly kind: "revoked" };

export type BeatAnswer = { readonly kind: "ok"; readonly pending: readonly PendingCommand[]; readonly beatIntervalSeconds: number } | Refusal;

export type CommandAnswer = { readonly kind: "ok"; readonly command: CommandView } | { readonly kind: "finished"; readonly command: CommandView } | Refusal;

export type EnqueueAnswer = { readonly kind: "ok"; readonly command: CommandView; readonly reachable: boolean } | { readonly kind: "gone" } | { readonly kind: "queueFull" };

export interface NewCommand {
  readonly type: CommandType;
  readonly payload: Readonly<Record<string, unknown>> | null;
  /** A repeat with the same key gets the first command. */
  readonly idempotencyKey: string | null;
}

export interface CommandResult {
  readonly status: "success" | "failed";
  readonly result: string;
  readonly newVersion: string | null;
}

/** Why a token may not speak for a machine any more. */
export type TokenCut = "revoked" | "unbound";

/** What an object cost so far; see docs/design/hot-path.md. */
export interface Spending {
  readonly rowsWritten: number;
  readonly alarmsSet: number;
  readonly feedCalls: number;
  readonly constructions: number;
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
  /** Somebody looks at a dashboard until `until` (ms): report every beat, ask the daemon to beat every `paceMs`. */
  watch(ref: InstanceRef, until: number, paceMs: number): Promise<void>;
  /** Which bots live on this machine; beats about others are dropped. */
  setRoster(ref: InstanceRef, roster: Readonly<Record<string, RosterBot>>): Promise<void>;
  /** Deletes everything of the machine and closes its links. */
  purge(ref: InstanceRef): Promise<void>;
}
