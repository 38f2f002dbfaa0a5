import type { GovernanceBeat } from "../../../durable-objects/instance/governance.rpc";
import type { BotBeat, HeartbeatPayload, WatchedProcess } from "../../../durable-objects/instance/machine.rpc";
import { utcIso } from "../../kernel/clock";
import type { FieldIssue } from "../../kernel/errors/app-error";

/**
 * Reads a heartbeat by hand: the hottest path loads no schema library. `machines.schemas.ts` says the same in Zod for the
 * OpenAPI document, and a property test holds the two together.
 */

const INSTANCE_ID_MAX = 255;
const BOTS_MAX = 500;
const WATCHED_MAX = 100;
/** Violations, and kinds of rules, that one beat tells of. */
const GOVERNANCE_MAX = 20;
/** Free text (errors, task names) is cut here, not refused: a long error must not silence a machine. */
const TEXT_MAX = 4_000;

type Fields = Readonly<Record<string, unknown>>;

class Reader {
  readonly issues: FieldIssue[] = [];

  constructor(readonly prefix: readonly (string | number)[] = ["body"]) {}

  #fail(path: readonly (string | number)[], msg: string, type: string): void {
    this.issues.push({ loc: [...this.prefix, ...path], msg, type });
  }

  refuseNull(path: readonly (string | number)[], msg: string, type: string): void {
    this.#fail(path, msg, type);
  }

  text(from: Fields, name: string, path: readonly (string | number)[] = []): string | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (typeof value === "string") return value.slice(0, TEXT_MAX);
    this.#fail([...path, name], "Input should be a valid string", "string_type");
    return null;
  }

  /** Machines have all sorts of clocks; on our wires a time is UTC. One that cannot be read is none: it must not silence a machine. */
  time(from: Fields, name: string, path: readonly (string | number)[] = []): string | null {
    const value = this.text(from, name, path);
    return value === null ? null : utcIso(value);
  }

  requiredText(from: Fields, name: string, max: number, path: readonly (string | number)[] = []): string {
    const value = from[name];
    if (value === undefined) this.#fail([...path, name], "Field required", "missing");
    else if (typeof value !== "string") this.#fail([...path, name], "Input should be a valid string", "string_type");
    else if (value.length < 1) this.#fail([...path, name], "String should have at least 1 character", "string_too_small");
    else if (value.length > max) this.#fail([...path, name], `String should have at most ${max} characters`, "string_too_big");
    else return value;
    return "";
  }

  /** An entry of a list of texts. */
  requiredItem(list: readonly unknown[], index: number, max: number, path: readonly (string | number)[]): string {
    const value = list[index];
    if (typeof value !== "string") this.#fail([...path, index], "Input should be a valid string", "string_type");
    else if (value.length < 1) this.#fail([...path, index], "String should have at least 1 character", "string_too_small");
    else if (value.length > max) this.#fail([...path, index], `String should have at most ${max} characters`, "string_too_big");
    else return value;
    return "";
  }

  integer(from: Fields, name: string, path: readonly (string | number)[] = []): number | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    this.#fail([...path, name], "Input should be a valid integer", "int_type");
    return null;
  }

  number(from: Fields, name: string): number | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.#fail([name], "Input should be a valid number", "number_type");
    return null;
  }

  boolean(from: Fields, name: string, path: readonly (string | number)[]): boolean | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (typeof value === "boolean") return value;
    this.#fail([...path, name], "Input should be a valid boolean", "bool_type");
    return null;
  }

  object(from: Fields, name: string, path: readonly (string | number)[] = []): Fields | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (isFields(value)) return value;
    this.#fail([...path, name], "Input should be a valid object", "object_type");
    return null;
  }

  list(from: Fields, name: string, max: number, path: readonly (string | number)[] = []): readonly unknown[] | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (!Array.isArray(value)) this.#fail([...path, name], "Input should be a valid list", "list_type");
    else if (value.length > max) this.#fail([...path, name], `List should have at most ${max} items`, "list_too_big");
    else return value;
    return null;
  }

  items<T>(from: Fields, name: string, max: number, read: (item: Fields, path: readonly (string | number)[]) => T, path: readonly (string | number)[] = []): T[] | null {
    return (
      this.list(from, name, max, path)?.flatMap((item, index) => {
        if (isFields(item)) return [read(item, [...path, name, index])];
        this.#fail([...path, name, index], "Input should be a valid object", "object_type");
        return [];
      }) ?? null
    );
  }
}

const isFields = (value: unknown): value is Fields => value !== null && typeof value === "object" && !Array.isArray(value);

export type ParsedHeartbeat = { readonly ok: true; readonly payload: HeartbeatPayload } | { readonly ok: false; readonly issues: readonly FieldIssue[] };

/** @param instanceId the socket's machine, whose frames carry no `instance_id`; over HTTP it comes in the body. */
export function parseHeartbeat(value: unknown, instanceId?: string): ParsedHeartbeat {
  const reader = new Reader(instanceId === undefined ? ["body"] : ["frame"]);
  if (!isFields(value)) return { ok: false, issues: [{ loc: [...reader.prefix], msg: value === undefined ? "Field required" : "Input should be a valid object", type: value === undefined ? "missing" : "object_type" }] };
  const payload: HeartbeatPayload = {
    instance_id: instanceId ?? reader.requiredText(value, "instance_id", INSTANCE_ID_MAX),
    hostname: reader.text(value, "hostname"),
    os: reader.text(value, "os"),
    arch: reader.text(value, "arch"),
    cli_version: reader.text(value, "cli_version"),
    plugin_version: reader.text(value, "plugin_version"),
    mem_free_mb: reader.integer(value, "mem_free_mb"),
    mem_total_mb: reader.integer(value, "mem_total_mb"),
    load1: reader.number(value, "load1"),
    cpu_count: reader.integer(value, "cpu_count"),
    uptime_seconds: reader.integer(value, "uptime_seconds"),
    gateway_status: readStatus(reader, value, "gateway_status"),
    gateway_pid: reader.integer(value, "gateway_pid"),
    last_gateway_restart: reader.time(value, "last_gateway_restart"),
    bots: readBots(reader, value),
    watched: reader.items(value, "watched", WATCHED_MAX, (item, path) => readWatched(reader, item, path)),
    capabilities: reader.object(value, "capabilities"),
    governance: readGovernance(reader, value),
  };
  return reader.issues.length > 0 ? { ok: false, issues: reader.issues } : { ok: true, payload };
}

/** Status, counts and bots: `null` is refused like any other wrong type. The contract gives these a default, not a null. */
function readStatus(reader: Reader, from: Fields, name: string, path: readonly (string | number)[] = []): string {
  return from[name] === undefined ? "unknown" : reader.requiredText(from, name, TEXT_MAX, path);
}

function readCount(reader: Reader, from: Fields, name: string, path: readonly (string | number)[]): number {
  if (from[name] === null) reader.refuseNull([...path, name], "Input should be a valid integer", "int_type");
  return reader.integer(from, name, path) ?? 0;
}

function readBots(reader: Reader, from: Fields): BotBeat[] {
  if (from["bots"] === null) reader.refuseNull(["bots"], "Input should be a valid list", "list_type");
  return reader.items(from, "bots", BOTS_MAX, (bot, path) => readBot(reader, bot, path)) ?? [];
}

function readBot(reader: Reader, bot: Fields, path: readonly (string | number)[]): BotBeat {
  return {
    bot_id: reader.requiredText(bot, "bot_id", INSTANCE_ID_MAX, path),
    status: readStatus(reader, bot, "status", path),
    activity_state: readStatus(reader, bot, "activity_state", path),
    active_task: reader.object(bot, "active_task", path),
    last_activity_at: reader.time(bot, "last_activity_at", path),
    messages_received: readCount(reader, bot, "messages_received", path),
    messages_sent: readCount(reader, bot, "messages_sent", path),
    chunked_messages: readCount(reader, bot, "chunked_messages", path),
    total_chunks_sent: readCount(reader, bot, "total_chunks_sent", path),
    errors: readCount(reader, bot, "errors", path),
    last_error: reader.text(bot, "last_error", path),
    last_error_at: reader.time(bot, "last_error_at", path),
    uptime_seconds: readCount(reader, bot, "uptime_seconds", path),
    rooms_active: readCount(reader, bot, "rooms_active", path),
    room_details: reader.list(bot, "room_details", 1_000, path),
    claude_code_enabled: reader.boolean(bot, "claude_code_enabled", path),
    claude_code_session_id: reader.text(bot, "claude_code_session_id", path),
    quarantined: reader.boolean(bot, "quarantined", path),
    skill_count: reader.integer(bot, "skill_count", path),
    skills: reader.list(bot, "skills", 1_000, path),
  };
}

function readGovernance(reader: Reader, from: Fields): GovernanceBeat | null {
  const path = ["governance"];
  const told = reader.object(from, "governance");
  if (!told) return null;
  const enforcing = reader.list(told, "enforcing", GOVERNANCE_MAX, path) ?? [];
  return {
    contract_id: reader.text(told, "contract_id", path),
    revision: reader.integer(told, "revision", path),
    awareness_version: reader.text(told, "awareness_version", path),
    enforcing: enforcing.map((_, index) => reader.requiredItem(enforcing, index, INSTANCE_ID_MAX, [...path, "enforcing"])),
    violations: reader.items(told, "violations", GOVERNANCE_MAX, (item, at) => readViolation(reader, item, at), path) ?? [],
  };
}

function readViolation(reader: Reader, item: Fields, path: readonly (string | number)[]): GovernanceBeat["violations"][number] {
  return {
    id: reader.requiredText(item, "id", INSTANCE_ID_MAX, path),
    kind: reader.requiredText(item, "kind", INSTANCE_ID_MAX, path),
    subject: reader.text(item, "subject", path),
    at: reader.time(item, "at", path),
  };
}

function readWatched(reader: Reader, item: Fields, path: readonly (string | number)[]): WatchedProcess {
  return {
    name: reader.requiredText(item, "name", INSTANCE_ID_MAX, path),
    status: readStatus(reader, item, "status", path),
    pid: reader.integer(item, "pid", path),
    restarts: reader.integer(item, "restarts", path) ?? 0,
    startedAt: reader.time(item, "started_at", path),
  };
}
