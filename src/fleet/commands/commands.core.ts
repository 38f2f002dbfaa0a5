import { DAY_MS } from "../../kernel/clock";

/**
 * The life of a command, without storage or clock:
 * `pending → delivered → acknowledged → success | failed`, or `expired`, or `cancelled`. Delivery is at least once; acks and
 * results are idempotent; a result after expiry is kept as late.
 */

/** Types that callers may create (the contract's list). */
export const COMMAND_TYPES = [
  "update_cli",
  "update_plugin",
  "restart_gateway",
  "start_claude_code",
  "stop_claude_code",
  "start_claude_control",
  "stop_claude_control",
  "update_claude_tools",
  "bot_share_notify",
  "bot_share_revoked",
  "bot_refresh",
  "install_skill",
] as const;

export type CommandType = (typeof COMMAND_TYPES)[number];

/** Types that only operations of their own create. */
export const INTERNAL_COMMAND_TYPES = ["leave_room", "export_skill"] as const;

/** Whether a command only tells that who may talk to a bot changed: no work, and whoever lost a right must lose it also where nothing works now. */
export const isShareNotice = (type: string): boolean => type === "bot_share_notify" || type === "bot_share_revoked";

/** Whatever a machine may be asked to do. */
export type AnyCommandType = CommandType | (typeof INTERNAL_COMMAND_TYPES)[number];

export type CommandState = "pending" | "delivered" | "acknowledged" | "success" | "failed" | "expired" | "cancelled";

/** How long a machine may take to obey. */
export const COMMAND_TTL_MS = DAY_MS;
/** Commands of a machine that may wait unacknowledged; more means nobody is listening. */
export const COMMANDS_OPEN_MAX = 200;
/** Longest result text kept, characters. */
export const RESULT_MAX_CHARS = 16_000;

/** A command as the object keeps it. Times in ms. */
export interface Command {
  readonly id: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly state: CommandState;
  readonly result: string | null;
  /** True when the result came after the command had expired or was cancelled. */
  readonly late: boolean;
  readonly createdAt: number;
  readonly deliveredAt: number | null;
  readonly acknowledgedAt: number | null;
  readonly completedAt: number | null;
  readonly expiresAt: number;
}

/** Answer of the operations on one command (CommandResponse of the contract). */
export interface CommandView {
  readonly id: string;
  readonly status: string;
  readonly commandType: string;
}

/** A command in a list (CommandStatusResponse of the contract, plus times of its way). */
export interface CommandStatus extends CommandView {
  readonly result: string | null;
  readonly createdAt: string;
  readonly deliveredAt: string | null;
  readonly acknowledgedAt: string | null;
  readonly completedAt: string | null;
}

/** A command on its way to the machine (PendingCommandItem of the contract). */
export interface PendingCommand {
  readonly id: string;
  readonly command_type: string;
  readonly payload: Readonly<Record<string, unknown>> | null;
}

const isOpen = (state: CommandState): boolean => state === "pending" || state === "delivered" || state === "acknowledged";

/** Whether the machine still has to be told. */
export const isUndelivered = (command: Command, now: number): boolean => (command.state === "pending" || command.state === "delivered") && command.expiresAt > now;

export type Transition = { readonly kind: "changed"; readonly command: Command } | { readonly kind: "same"; readonly command: Command } | { readonly kind: "refused"; readonly command: Command };

/** Time passes: an open command past its life expires. */
export function expire(command: Command, now: number): Transition {
  if (!isOpen(command.state) || command.expiresAt > now) return { kind: "same", command };
  return { kind: "changed", command: { ...command, state: "expired", completedAt: command.expiresAt } };
}

/** It was written to a link or returned by a beat; says nothing about arrival. */
export function deliver(command: Command, now: number): Transition {
  if (command.state !== "pending") return { kind: "same", command };
  return { kind: "changed", command: { ...command, state: "delivered", deliveredAt: now } };
}

/** The machine has it. Repeats are harmless; after a result it is refused. */
export function acknowledge(command: Command, now: number): Transition {
  switch (command.state) {
    case "pending":
    case "delivered":
      return { kind: "changed", command: { ...command, state: "acknowledged", deliveredAt: command.deliveredAt ?? now, acknowledgedAt: now } };
    case "acknowledged":
      return { kind: "same", command };
    default:
      return { kind: "refused", command };
  }
}

/** The machine is done. Accepted without an ack; the same result again is harmless, another one is refused; a late one is kept as late. */
export function complete(command: Command, result: { readonly status: "success" | "failed"; readonly result: string }, now: number): Transition {
  const text = result.result.slice(0, RESULT_MAX_CHARS);
  switch (command.state) {
    case "pending":
    case "delivered":
    case "acknowledged":
      return { kind: "changed", command: { ...command, state: result.status, result: text, acknowledgedAt: command.acknowledgedAt ?? now, completedAt: now } };
    case "expired":
    case "cancelled":
      if (command.late) return command.result === text ? { kind: "same", command } : { kind: "refused", command };
      return { kind: "changed", command: { ...command, result: text, late: true } };
    default:
      return command.state === result.status && command.result === text ? { kind: "same", command } : { kind: "refused", command };
  }
}

/** What clients of the published API see: they know no `delivered`, so it stays `pending` with its time beside it. */
const wireState = (state: CommandState): string => (state === "delivered" ? "pending" : state);

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export const toCommandView = (command: Command): CommandView => ({ id: command.id, status: wireState(command.state), commandType: command.type });

export const toCommandStatus = (command: Command): CommandStatus => ({
  ...toCommandView(command),
  result: command.result,
  createdAt: new Date(command.createdAt).toISOString(),
  deliveredAt: isoOrNull(command.deliveredAt),
  acknowledgedAt: isoOrNull(command.acknowledgedAt),
  completedAt: isoOrNull(command.completedAt),
});

export const toPendingCommand = (command: Command): PendingCommand => ({ id: command.id, command_type: command.type, payload: command.payload });
