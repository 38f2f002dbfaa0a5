import type { Command, CommandState } from "../../src/fleet/commands/commands.core";
import { DAY_MS } from "../../src/kernel/clock";
import type { CountedSql } from "../shared/counted-sql";
import type { InstanceRef, Provisioning, Registration, TokenCut } from "./instance.rpc";
import { upgradeState, type LiveState, type MachineState, type StoredSample } from "./machine.core";
import type { HistoryEntry } from "./machine.rpc";

/** A machine as the object holds it in memory: its row, decoded. */
export interface Machine {
  readonly id: number;
  readonly ref: InstanceRef;
  registration: Registration;
  state: MachineState;
  live: LiveState;
  samples: readonly StoredSample[];
  /** Null for machines that are no cloud machines. */
  provisioning: Provisioning | null;
  /** When the row was last written with a sample, ms. */
  flushedAt: number;
  /** True while the account's feed has not heard of the newest state. */
  unannounced: boolean;
  /** True once it was purged: its tables may be gone. */
  gone: boolean;
  /** The online flag that D1 was last told; null before the first time. */
  projectedOnline: boolean | null;
  /** Tokens D1 vouched for, and those it cut. */
  readonly tokens: Map<string, TokenCut | null>;
  /** Commands that are not finished, oldest first. */
  readonly open: Map<string, Command>;
}

/** What D1 is told of it. A cloud machine counts as soon as it is heard: whoever made it waits for that, whatever runs on it. */
export const isProjectedOnline = ({ state, provisioning }: Machine): boolean => state.online || (provisioning !== null && state.reachable);

const HISTORY_KEEP = 500;
const HISTORY_SHOWN = 50;

type Row = Record<string, SqlStorageValue>;

/** SQL of InstanceDO behind typed functions. Rows written are what Cloudflare bills, so each function says how many. */
export class InstanceStore {
  readonly #sql: CountedSql;

  constructor(sql: CountedSql) {
    this.#sql = sql;
  }

  loadMachines(): Machine[] {
    return this.#sql.all<Row>("SELECT * FROM machines")
      .map((row) => {
        const id = Number(row["id"]);
        return {
          id,
          ref: { userId: Number(row["user_id"]), instanceId: String(row["instance_id"]) },
          registration: decode<Registration>(row["registration"]),
          state: upgradeState(decode<Partial<MachineState>>(row["state"])),
          live: decode<LiveState>(row["live"]),
          samples: decode<StoredSample[]>(row["samples"]),
          provisioning: row["provisioning"] === null ? null : decode<Provisioning>(row["provisioning"]),
          flushedAt: Number(row["flushed_at"]),
          unannounced: row["unannounced"] === 1,
          gone: false,
          projectedOnline: row["projected_online"] === null ? null : row["projected_online"] === 1,
          tokens: this.#loadTokens(id),
          open: new Map(this.#listCommands("machine_id = ? AND state IN ('pending', 'delivered', 'acknowledged')", [id], "created_at").map((command) => [command.id, command])),
        };
      });
  }

  #loadTokens(machineId: number): Machine["tokens"] {
    const rows = this.#sql.all<{ token_id: string; cut: string | null }>("SELECT token_id, cut FROM tokens WHERE machine_id = ?", machineId);
    return new Map(rows.map((row) => [row.token_id, row.cut === "revoked" || row.cut === "unbound" ? row.cut : null]));
  }

  /** Two rows (the table and its index). */
  insertMachine(ref: InstanceRef, registration: Registration, state: MachineState, live: LiveState, now: number): Machine {
    const { id } = this.#sql.one<{ id: number }>(
        "INSERT INTO machines (user_id, instance_id, registration, state, live, samples, flushed_at, registered_at) VALUES (?, ?, ?, ?, ?, '[]', ?, ?) RETURNING id",
        ref.userId,
        ref.instanceId,
        JSON.stringify(registration),
        JSON.stringify(state),
        JSON.stringify(live),
        now,
        now,
      );
    return { id, ref, registration, state, live, samples: [], provisioning: null, flushedAt: now, unannounced: false, gone: false, projectedOnline: null, tokens: new Map(), open: new Map() };
  }

  /** One row: state, live numbers, samples, provisioning and flags. */
  saveMachine(machine: Machine): void {
    this.#sql.run(
      "UPDATE machines SET registration = ?, state = ?, live = ?, samples = ?, provisioning = ?, flushed_at = ?, unannounced = ?, projected_online = ? WHERE id = ?",
      JSON.stringify(machine.registration),
      JSON.stringify(machine.state),
      JSON.stringify(machine.live),
      JSON.stringify(machine.samples),
      machine.provisioning === null ? null : JSON.stringify(machine.provisioning),
      machine.flushedAt,
      machine.unannounced ? 1 : 0,
      machine.projectedOnline === null ? null : machine.projectedOnline ? 1 : 0,
      machine.id,
    );
  }

  /** One row: the exact last-seen of a machine that beats without a link. */
  saveLive(machine: Machine): void {
    this.#sql.run("UPDATE machines SET live = ? WHERE id = ?", JSON.stringify(machine.live), machine.id);
  }

  deleteMachine(machineId: number): void {
    for (const table of ["commands", "history", "tokens"]) this.#sql.run(`DELETE FROM ${table} WHERE machine_id = ?`, machineId);
    for (const table of ["events", "alarms"]) this.#sql.run(`DELETE FROM ${table} WHERE subject = ?`, machineId);
    this.#sql.run("DELETE FROM machines WHERE id = ?", machineId);
  }

  /** One row. */
  saveToken(machine: Machine, tokenId: string, cut: TokenCut | null): void {
    this.#sql.run("INSERT INTO tokens (machine_id, token_id, cut) VALUES (?, ?, ?) ON CONFLICT (machine_id, token_id) DO UPDATE SET cut = excluded.cut", machine.id, tokenId, cut);
    machine.tokens.set(tokenId, cut);
  }

  /** One row, a trim now and then. */
  appendHistory(machineId: number, type: string, data: Readonly<Record<string, unknown>>, now: number): void {
    const { seq } = this.#sql.one<{ seq: number }>("INSERT INTO history (machine_id, type, data, at) VALUES (?, ?, ?, ?) RETURNING seq", machineId, type, JSON.stringify(data), now);
    if (seq % 100 === 0) this.#sql.run("DELETE FROM history WHERE seq <= ?", seq - HISTORY_KEEP);
  }

  listHistory(machineId: number): HistoryEntry[] {
    return this.#sql.all<{ seq: number; type: string; data: string; at: number }>("SELECT seq, type, data, at FROM history WHERE machine_id = ? ORDER BY seq DESC LIMIT ?", machineId, HISTORY_SHOWN)
      .map((row) => ({ id: row.seq, type: row.type, at: new Date(row.at).toISOString(), data: decode<Record<string, unknown>>(row.data) }));
  }

  /** Two rows (the table and its index). */
  insertCommand(machine: Machine, command: Command, eventSeq: number, idempotencyKey: string | null): void {
    this.#sql.run(
      "INSERT INTO commands (id, machine_id, event_seq, type, payload, state, idempotency_key, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      command.id,
      machine.id,
      eventSeq,
      command.type,
      command.payload === null ? null : JSON.stringify(command.payload),
      command.state,
      idempotencyKey,
      command.createdAt,
      command.expiresAt,
    );
    machine.open.set(command.id, command);
  }

  /** One row. */
  saveCommand(machine: Machine, command: Command): void {
    this.#sql.run(
      "UPDATE commands SET state = ?, result = ?, late = ?, delivered_at = ?, acknowledged_at = ?, completed_at = ? WHERE id = ?",
      command.state,
      command.result,
      command.late ? 1 : 0,
      command.deliveredAt,
      command.acknowledgedAt,
      command.completedAt,
      command.id,
    );
    if (command.state === "pending" || command.state === "delivered" || command.state === "acknowledged") machine.open.set(command.id, command);
    else machine.open.delete(command.id);
  }

  findCommand(commandId: string): { readonly machineId: number; readonly command: Command } | null {
    const row = this.#sql.all<Row>("SELECT * FROM commands WHERE id = ?", commandId)[0];
    return row ? { machineId: Number(row["machine_id"]), command: toCommand(row) } : null;
  }

  findCommandByKey(machineId: number, idempotencyKey: string, now: number): Command | null {
    return this.#listCommands("machine_id = ? AND created_at > ? AND idempotency_key = ?", [machineId, now - DAY_MS, idempotencyKey], "created_at DESC LIMIT 1")[0] ?? null;
  }

  /** Commands created in the last 24 hours, newest first. */
  listRecentCommands(machineId: number, now: number): Command[] {
    return this.#listCommands("machine_id = ? AND created_at > ?", [machineId, now - DAY_MS], "created_at DESC, id DESC LIMIT 1000");
  }

  /** Log sequence of the event that announced a command. */
  eventSeqOf(commandId: string): number {
    return this.#sql.all<{ event_seq: number }>("SELECT event_seq FROM commands WHERE id = ?", commandId)[0]?.event_seq ?? 0;
  }

  /** Drops finished commands that no list shows any more. */
  trimCommands(machineId: number, now: number): void {
    this.#sql.run("DELETE FROM commands WHERE machine_id = ? AND created_at < ? AND completed_at IS NOT NULL", machineId, now - 2 * DAY_MS);
  }

  #listCommands(where: string, bindings: readonly SqlStorageValue[], order: string): Command[] {
    return this.#sql.all<Row>(`SELECT * FROM commands WHERE ${where} ORDER BY ${order}`, ...bindings).map(toCommand);
  }
}

function toCommand(row: Row): Command {
  return {
    id: String(row["id"]),
    type: String(row["type"]),
    payload: row["payload"] === null ? null : decode<Record<string, unknown>>(row["payload"]),
    state: String(row["state"]) as CommandState,
    result: row["result"] === null ? null : String(row["result"]),
    late: row["late"] === 1,
    createdAt: Number(row["created_at"]),
    deliveredAt: numberOrNull(row["delivered_at"]),
    acknowledgedAt: numberOrNull(row["acknowledged_at"]),
    completedAt: numberOrNull(row["completed_at"]),
    expiresAt: Number(row["expires_at"]),
  };
}

const numberOrNull = (value: SqlStorageValue | undefined): number | null => (typeof value === "number" ? value : null);

/** JSON that this very store wrote. */
const decode = <T>(value: SqlStorageValue | undefined): T => JSON.parse(String(value)) as T;
