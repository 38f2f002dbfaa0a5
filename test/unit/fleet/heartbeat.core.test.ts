import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { parseHeartbeat } from "../../../src/fleet/machines/heartbeat.core";
import { HeartbeatPayload } from "../../../src/fleet/machines/machines.schemas";
import { utcIso } from "../../../src/kernel/clock";

/** The hand-written reader of the hot path and the schema that OpenAPI shows must say the same about every beat. */

type Zod = z.output<typeof HeartbeatPayload>;

const text = fc.option(fc.string({ maxLength: 20 }));
const time = fc.option(fc.oneof(fc.string({ maxLength: 20 }), fc.date({ noInvalidDate: true }).map((date) => date.toISOString()), fc.constantFrom("2026-11-22T03:00:00+01:00", "2026-11-22 02:00:00.123456", "2026-11-22")));
const integer = fc.option(fc.maxSafeInteger());
const count = fc.maxSafeInteger();
const name = fc.string({ minLength: 1, maxLength: 20 });
const fields = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }).filter((key) => key !== "__proto__"), fc.jsonValue(), { maxKeys: 3 });

/** Any subset of the fields may be missing; only ids must be there. */
const bot = fc.record(
  {
    bot_id: name,
    status: name,
    activity_state: name,
    active_task: fc.option(fields),
    last_activity_at: time,
    messages_received: count,
    messages_sent: count,
    chunked_messages: count,
    total_chunks_sent: count,
    errors: count,
    last_error: text,
    last_error_at: time,
    uptime_seconds: count,
    rooms_active: count,
    room_details: fc.option(fc.array(fc.jsonValue(), { maxLength: 2 })),
    claude_code_enabled: fc.option(fc.boolean()),
    claude_code_session_id: text,
    quarantined: fc.option(fc.boolean()),
    skill_count: integer,
    skills: fc.option(fc.array(fc.jsonValue(), { maxLength: 2 })),
  },
  { requiredKeys: ["bot_id"] },
);
const watched = fc.record({ name, status: name, pid: integer, restarts: integer, started_at: time }, { requiredKeys: ["name"] });
const violation = fc.record({ id: name, kind: name, subject: text, at: time }, { requiredKeys: ["id", "kind"] });
const governance = fc.record({ contract_id: text, revision: integer, awareness_version: text, enforcing: fc.option(fc.array(name, { maxLength: 2 })), violations: fc.option(fc.array(violation, { maxLength: 2 })) }, { requiredKeys: [] });
const beat = fc.record(
  {
    instance_id: name,
    hostname: text,
    os: text,
    arch: text,
    cli_version: text,
    plugin_version: text,
    mem_free_mb: integer,
    mem_total_mb: integer,
    load1: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    cpu_count: integer,
    uptime_seconds: integer,
    gateway_status: name,
    gateway_pid: integer,
    last_gateway_restart: time,
    bots: fc.array(bot, { maxLength: 3 }),
    watched: fc.option(fc.array(watched, { maxLength: 3 })),
    capabilities: fc.option(fields),
    governance: fc.option(governance),
    daemon: fc.jsonValue(),
  },
  { requiredKeys: ["instance_id"] },
);

/** Values that JSON can carry and that some field will not like. */
const junk = fc.constantFrom<unknown>(null, "", "text", "x".repeat(256), 0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER + 1, true, false, {}, [], [{}], [null], ["x"], { bot_id: 1 }, [{ bot_id: "" }], [{ name: 3 }]);

/** Puts `value` at one of the places inside `target`, chosen by `seed`; also removes, when `value` is undefined. */
function corrupt(target: unknown, seed: number, value: unknown): void {
  if (target === null || typeof target !== "object") return;
  const keys = Object.keys(target);
  const key = keys[seed % Math.max(1, keys.length)];
  if (key === undefined) return;
  const holder = target as Record<string, unknown>;
  const inner = holder[key];
  if (inner !== null && typeof inner === "object" && Object.keys(inner).length > 0 && seed % 3 !== 0) corrupt(inner, Math.floor(seed / 3), value);
  else if (value === undefined) delete holder[key];
  else holder[key] = value;
}

/** What the reader makes of a beat, said with the schema's output. */
const timeOf = (told: string | null | undefined): string | null => (told == null ? null : utcIso(told));

function expectedFrom(beat: Zod): Record<string, unknown> {
  return {
    instance_id: beat.instance_id,
    hostname: beat.hostname ?? null,
    os: beat.os ?? null,
    arch: beat.arch ?? null,
    cli_version: beat.cli_version ?? null,
    plugin_version: beat.plugin_version ?? null,
    mem_free_mb: beat.mem_free_mb ?? null,
    mem_total_mb: beat.mem_total_mb ?? null,
    load1: beat.load1 ?? null,
    cpu_count: beat.cpu_count ?? null,
    uptime_seconds: beat.uptime_seconds ?? null,
    gateway_status: beat.gateway_status,
    gateway_pid: beat.gateway_pid ?? null,
    last_gateway_restart: timeOf(beat.last_gateway_restart),
    bots: (beat.bots ?? []).map((bot) => ({
      bot_id: bot.bot_id,
      status: bot.status,
      activity_state: bot.activity_state,
      active_task: bot.active_task ?? null,
      last_activity_at: timeOf(bot.last_activity_at),
      messages_received: bot.messages_received,
      messages_sent: bot.messages_sent,
      chunked_messages: bot.chunked_messages,
      total_chunks_sent: bot.total_chunks_sent,
      errors: bot.errors,
      last_error: bot.last_error ?? null,
      last_error_at: timeOf(bot.last_error_at),
      uptime_seconds: bot.uptime_seconds,
      rooms_active: bot.rooms_active,
      room_details: bot.room_details ?? null,
      claude_code_enabled: bot.claude_code_enabled ?? null,
      claude_code_session_id: bot.claude_code_session_id ?? null,
      quarantined: bot.quarantined ?? null,
      skill_count: bot.skill_count ?? null,
      skills: bot.skills ?? null,
    })),
    watched: beat.watched?.map((item) => ({ name: item.name, status: item.status, pid: item.pid ?? null, restarts: item.restarts ?? 0, startedAt: timeOf(item.started_at) })) ?? null,
    capabilities: beat.capabilities ?? null,
    governance: beat.governance
      ? {
          contract_id: beat.governance.contract_id ?? null,
          revision: beat.governance.revision ?? null,
          awareness_version: beat.governance.awareness_version ?? null,
          enforcing: beat.governance.enforcing ?? [],
          violations: (beat.governance.violations ?? []).map((told) => ({ id: told.id, kind: told.kind, subject: told.subject ?? null, at: timeOf(told.at) })),
        }
      : null,
  };
}

function expectAgreement(value: unknown): void {
  const byHand = parseHeartbeat(value);
  const bySchema = HeartbeatPayload.safeParse(value);
  if (byHand.ok !== bySchema.success) throw new Error(`by hand ${byHand.ok}, by schema ${bySchema.success}: ${JSON.stringify(byHand.ok ? bySchema.error?.issues : byHand.issues)}`);
  if (byHand.ok && bySchema.success) expect(byHand.payload).toEqual(expectedFrom(bySchema.data));
  if (!byHand.ok && bySchema.error) {
    const firstOf = (paths: readonly (readonly unknown[])[]) => new Set(paths.map((path) => path.join(".")));
    const schemaPaths = firstOf(bySchema.error.issues.map((issue) => ["body", ...issue.path]));
    expect(firstOf(byHand.issues.map((issue) => issue.loc))).toEqual(schemaPaths);
  }
}

describe("a heartbeat read by hand", () => {
  it("is accepted when it is valid, with the same data as by schema", () => {
    fc.assert(
      fc.property(beat, (value) => {
        expect(parseHeartbeat(value).ok).toBe(true);
        expectAgreement(value);
      }),
      { numRuns: 300 },
    );
  });

  it("is accepted and refused exactly as by schema once something in it is broken, and names the same fields", () => {
    fc.assert(
      fc.property(beat, fc.nat(), fc.option(junk, { nil: undefined }), (value, seed, replacement) => {
        const broken: unknown = structuredClone(value);
        corrupt(broken, seed, replacement);
        expectAgreement(JSON.parse(JSON.stringify(broken)));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([null, undefined, [], "x", 7, true, {}])("agrees on %j as a whole", (value) => expectAgreement(value));

  it.each(["bots", "watched", "capabilities", "governance", "hostname", "mem_free_mb", "load1", "gateway_status", "gateway_pid"])("agrees on %s being null", (field) => expectAgreement({ instance_id: "i", [field]: null }));

  it.each(["status", "activity_state", "active_task", "last_error", "messages_received", "messages_sent", "chunked_messages", "total_chunks_sent", "errors", "uptime_seconds", "rooms_active", "skill_count", "skills", "quarantined"])(
    "agrees on a bot's %s being null",
    (field) => expectAgreement({ instance_id: "i", bots: [{ bot_id: "b", [field]: null }] }),
  );

  it("agrees on the limits of lists and names", () => {
    const bots = (n: number) => Array.from({ length: n }, (_, i) => ({ bot_id: `b${i}` }));
    const told = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `v${i}`, kind: "tool" }));
    const processes = (n: number) => Array.from({ length: n }, (_, i) => ({ name: `p${i}` }));
    for (const value of [{ bots: bots(500) }, { bots: bots(501) }, { watched: processes(100) }, { watched: processes(101) }, { bots: [{ bot_id: "b", skills: Array.from({ length: 1_001 }, () => 0) }] }, { governance: { violations: told(20) } }, { governance: { violations: told(21) } }, { governance: { enforcing: Array.from({ length: 21 }, () => "tool") } }]) {
      expectAgreement({ instance_id: "i", ...value });
    }
    for (const length of [255, 256]) expectAgreement({ instance_id: "x".repeat(length), watched: [{ name: "x".repeat(length) }] });
    expect(parseHeartbeat({ instance_id: "i", bots: bots(501) })).toMatchObject({ ok: false, issues: [{ loc: ["body", "bots"], type: "list_too_big" }] });
  });

  it("cuts long free text instead of refusing it: a long error must not silence a machine", () => {
    const long = "e".repeat(4_001);
    expect(HeartbeatPayload.safeParse({ instance_id: "i", hostname: long }).success).toBe(true);
    const parsed = parseHeartbeat({ instance_id: "i", hostname: long, bots: [{ bot_id: "b", last_error: long }] });
    if (!parsed.ok) throw new Error("refused");
    expect(parsed.payload.hostname).toHaveLength(4_000);
    expect(parsed.payload.bots[0]?.last_error).toHaveLength(4_000);
  });

  it("takes the machine from the socket, whatever the frame says", () => {
    expect(parseHeartbeat({ instance_id: "mine?" }, "the-socket-s")).toMatchObject({ ok: true, payload: { instance_id: "the-socket-s" } });
    expect(parseHeartbeat({ gateway_pid: "x" }, "i")).toMatchObject({ ok: false, issues: [{ loc: ["frame", "gateway_pid"] }] });
  });
});
