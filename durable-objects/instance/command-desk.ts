import { acknowledge, COMMAND_TTL_MS, COMMANDS_OPEN_MAX, complete, deliver, expire, isShareNotice, isUndelivered, toCommandStatus, toCommandView, toPendingCommand, type Command, type PendingCommand, type Transition } from "../../src/fleet/commands/commands.core";
import { sortableId } from "../../src/kernel/ids/ids";
import type { DashboardEvent, MachineEvent } from "../account-feed/account-feed.rpc";
import type { AlarmTable } from "../shared/alarm-table";
import type { EventLog, LoggedEvent } from "../shared/event-log";
import type { Announcer } from "./announcer";
import type { CommandResult, EnqueueAnswer, NewCommand } from "./instance.rpc";
import type { InstanceStore, Machine } from "./instance.store";
import type { AlarmReason, Keeper } from "./keeper";
import type { Links } from "./links";
import { foldRefresh, type MachineChange, type StateChange } from "./machine.core";

interface DeskParts {
  readonly store: InstanceStore;
  readonly log: EventLog;
  readonly links: Links;
  readonly alarms: AlarmTable<AlarmReason>;
  readonly announcer: Announcer;
  readonly keeper: Keeper;
  readonly transaction: (work: () => void) => void;
  /** The suspended tenant that keeps the machine from working; null when none does. */
  readonly suspendedBy: (machineId: number) => string | null;
  /** First part of this object's command ids. */
  readonly tag: string;
}

/** Takes commands in, hands them out until they are acknowledged, and takes results. A command accepted is in SQLite before the answer leaves. */
export class CommandDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** @param alongside a change of the machine that is kept with the command or not at all */
  async enqueue(machine: Machine, request: NewCommand, now: number, alongside?: (commandId: string) => StateChange): Promise<EnqueueAnswer> {
    const { store, log, links, alarms } = this.#parts;
    const known = request.idempotencyKey === null ? null : store.findCommandByKey(machine.id, request.idempotencyKey, now);
    if (known) return { kind: "ok", command: toCommandView(known), reachable: machine.state.reachable };
    const tenant = this.#heldBackBy(machine, request.type);
    if (tenant !== null) return { kind: "suspended", tenant };
    if (machine.open.size >= COMMANDS_OPEN_MAX) return { kind: "queueFull" };
    let command: Command = {
      id: `cmd_${this.#parts.tag}_${sortableId(now)}`,
      type: request.type,
      payload: request.payload,
      state: "pending",
      result: null,
      late: false,
      createdAt: now,
      deliveredAt: null,
      acknowledgedAt: null,
      completedAt: null,
      expiresAt: now + COMMAND_TTL_MS,
    };
    let event: LoggedEvent | undefined;
    let change: StateChange | undefined;
    this.#parts.transaction(() => {
      event = log.append(machine.id, commandEvent(command), now);
      store.insertCommand(machine, command, event.id, request.idempotencyKey);
      store.trimCommands(machine.id, now);
      change = alongside?.(command.id);
      if (!change) return;
      machine.state = change.state;
      machine.unannounced = true;
      store.saveMachine(machine);
    });
    if (change) await this.#parts.keeper.armPairings(machine);
    if (alarms.dueAt(machine.id, "commands") === null) await alarms.arm(machine.id, "commands", command.expiresAt);
    // The tenant may have been suspended meanwhile: then it waits like what came before it.
    const mayTell = this.#heldBackBy(machine, command.type) === null;
    if (mayTell && event && links.broadcast(machine.id, event)) command = this.#apply(machine, deliver(command, now));
    else if (mayTell) await this.#parts.announcer.publish(machine.ref.userId, commandEvent(command), machine.ref.instanceId, true);
    const requested: DashboardEvent[] = command.type === "restart_gateway" ? [this.#event(machine, "gateway.restart.requested", command, now)] : [];
    await this.#show(machine, command, requested, now, change?.changes);
    return { kind: "ok", command: toCommandView(command), reachable: machine.state.reachable };
  }

  /** Everything the machine still has to be told, oldest first; marks it delivered. */
  pending(machine: Machine, now: number): PendingCommand[] {
    const waiting = this.#undelivered(machine, now);
    for (const command of waiting) this.#apply(machine, deliver(command, now));
    return waiting.map(toPendingCommand);
  }

  /** The same, as events of the log, for a link that has just come up. */
  pendingEvents(machine: Machine, now: number): LoggedEvent[] {
    return this.#undelivered(machine, now).map((command) => {
      this.#apply(machine, deliver(command, now));
      return { id: this.#parts.store.eventSeqOf(command.id), data: commandEvent(command) };
    });
  }

  #undelivered(machine: Machine, now: number): Command[] {
    return [...machine.open.values()].filter((command) => isUndelivered(command, now) && this.#heldBackBy(machine, command.type) === null);
  }

  /** The suspended tenant that keeps a command of this type from the machine; null when none does. */
  #heldBackBy(machine: Machine, type: string): string | null {
    return isShareNotice(type) ? null : this.#parts.suspendedBy(machine.id);
  }

  async acknowledge(machine: Machine, command: Command, now: number): Promise<Transition> {
    return this.#advance(machine, acknowledge(this.#current(machine, command, now), now), [], now);
  }

  async complete(machine: Machine, command: Command, result: CommandResult, now: number): Promise<Transition> {
    const transition = complete(this.#current(machine, command, now), result, now);
    const succeeded = transition.kind === "changed" && transition.command.state === "success";
    const extra: DashboardEvent[] = [];
    let changes: readonly MachineChange[] = [];
    if (succeeded && command.type === "restart_gateway") {
      machine.state = { ...machine.state, lastGatewayRestart: new Date(now).toISOString() };
      extra.push(this.#event(machine, "gateway.restart.completed", transition.command, now));
    }
    if (succeeded && result.newVersion !== null) {
      if (command.type === "update_cli") machine.state = { ...machine.state, cliVersion: result.newVersion };
      if (command.type === "update_plugin") machine.state = { ...machine.state, pluginVersion: result.newVersion };
    }
    if (transition.kind === "changed" && !transition.command.late && command.type === "bot_refresh") {
      const refreshed = foldRefresh(machine.state, command.id, succeeded, now);
      machine.state = refreshed.state;
      changes = refreshed.changes;
    }
    if (transition.kind === "changed") {
      this.#parts.store.appendHistory(machine.id, "command.finished", { commandId: command.id, commandType: command.type, status: transition.command.state, late: transition.command.late }, now);
      machine.unannounced = true;
      this.#parts.store.saveMachine(machine);
    }
    return this.#advance(machine, transition, extra, now, changes);
  }

  /** Expires what is overdue and arms the alarm for the next. */
  async expireOverdue(machine: Machine, now: number): Promise<void> {
    this.#parts.alarms.disarm(machine.id, "commands");
    for (const command of machine.open.values()) await this.#advance(machine, expire(command, now), [], now);
    const next = Math.min(...[...machine.open.values()].map((command) => command.expiresAt));
    if (Number.isFinite(next)) await this.#parts.alarms.arm(machine.id, "commands", next);
  }

  /** A command as of now: one past its life is expired before anything else happens to it. */
  #current(machine: Machine, command: Command, now: number): Command {
    return this.#apply(machine, expire(command, now));
  }

  #apply(machine: Machine, transition: Transition): Command {
    if (transition.kind === "changed") this.#parts.store.saveCommand(machine, transition.command);
    return transition.command;
  }

  async #advance(machine: Machine, transition: Transition, extra: readonly DashboardEvent[], now: number, changes: readonly MachineChange[] = []): Promise<Transition> {
    if (transition.kind !== "changed") return transition;
    this.#apply(machine, transition);
    if (changes.length > 0) await this.#parts.keeper.armPairings(machine);
    await this.#show(machine, transition.command, extra, now, changes);
    return transition;
  }

  async #show(machine: Machine, command: Command, extra: readonly DashboardEvent[], now: number, changes: readonly MachineChange[] = []): Promise<void> {
    const update: DashboardEvent = { type: "command.update", instanceId: machine.ref.instanceId, command: toCommandStatus(command), at: new Date(now).toISOString() };
    await this.#parts.keeper.announce(machine, changes, now, [...extra, update]);
  }

  #event(machine: Machine, type: string, command: Command, now: number): DashboardEvent {
    return { type, instanceId: machine.ref.instanceId, commandId: command.id, at: new Date(now).toISOString() };
  }
}

const commandEvent = (command: Command): MachineEvent => ({ type: "command", id: command.id, command_type: command.type, payload: command.payload });
