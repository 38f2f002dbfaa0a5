import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acknowledge, COMMAND_TTL_MS, COMMAND_TYPES, complete, deliver, expire, isUndelivered, RESULT_MAX_CHARS, toCommandStatus, toCommandView, toPendingCommand, type Command, type CommandState, type Transition } from "../../../src/fleet/commands/commands.core";
import { CommandStatusResponse } from "../../../src/fleet/commands/commands.schemas";
import { mintInstanceId } from "../../../src/fleet/instances/instances.core";

const NOW = Date.UTC(2026, 10, 21, 12);
const STATES = ["pending", "delivered", "acknowledged", "success", "failed", "expired", "cancelled"] as const;
const OPEN: readonly CommandState[] = ["pending", "delivered", "acknowledged"];
const FINAL: readonly CommandState[] = ["success", "failed", "expired", "cancelled"];

const commandIn = (state: CommandState, fields: Partial<Command> = {}): Command => ({
  id: "cmd_1",
  type: "update_cli",
  payload: null,
  state,
  result: state === "success" || state === "failed" ? "done" : null,
  late: false,
  createdAt: NOW,
  deliveredAt: null,
  acknowledgedAt: null,
  completedAt: FINAL.includes(state) ? NOW : null,
  expiresAt: NOW + COMMAND_TTL_MS,
  ...fields,
});

const EVENTS = {
  deliver: (command: Command, now: number) => deliver(command, now),
  acknowledge: (command: Command, now: number) => acknowledge(command, now),
  succeed: (command: Command, now: number) => complete(command, { status: "success", result: "done" }, now),
  fail: (command: Command, now: number) => complete(command, { status: "failed", result: "broken" }, now),
  expireNow: (command: Command, now: number) => expire(command, now),
  expireAfterTtl: (command: Command) => expire(command, NOW + COMMAND_TTL_MS),
} as const;
type Event = keyof typeof EVENTS;

/** Every state × every event: how the transition is called, and the state after it. */
const TABLE: Readonly<Record<CommandState, Readonly<Record<Event, readonly [Transition["kind"], CommandState]>>>> = {
  pending: { deliver: ["changed", "delivered"], acknowledge: ["changed", "acknowledged"], succeed: ["changed", "success"], fail: ["changed", "failed"], expireNow: ["same", "pending"], expireAfterTtl: ["changed", "expired"] },
  delivered: { deliver: ["same", "delivered"], acknowledge: ["changed", "acknowledged"], succeed: ["changed", "success"], fail: ["changed", "failed"], expireNow: ["same", "delivered"], expireAfterTtl: ["changed", "expired"] },
  acknowledged: { deliver: ["same", "acknowledged"], acknowledge: ["same", "acknowledged"], succeed: ["changed", "success"], fail: ["changed", "failed"], expireNow: ["same", "acknowledged"], expireAfterTtl: ["changed", "expired"] },
  success: { deliver: ["same", "success"], acknowledge: ["refused", "success"], succeed: ["same", "success"], fail: ["refused", "success"], expireNow: ["same", "success"], expireAfterTtl: ["same", "success"] },
  failed: { deliver: ["same", "failed"], acknowledge: ["refused", "failed"], succeed: ["refused", "failed"], fail: ["refused", "failed"], expireNow: ["same", "failed"], expireAfterTtl: ["same", "failed"] },
  expired: { deliver: ["same", "expired"], acknowledge: ["refused", "expired"], succeed: ["changed", "expired"], fail: ["changed", "expired"], expireNow: ["same", "expired"], expireAfterTtl: ["same", "expired"] },
  cancelled: { deliver: ["same", "cancelled"], acknowledge: ["refused", "cancelled"], succeed: ["changed", "cancelled"], fail: ["changed", "cancelled"], expireNow: ["same", "cancelled"], expireAfterTtl: ["same", "cancelled"] },
};

describe("a command's life", () => {
  it.each(STATES.flatMap((state) => (Object.keys(EVENTS) as Event[]).map((event) => [state, event] as const)))("%s, then %s", (state, event) => {
    const before = commandIn(state);
    const { kind, command } = EVENTS[event](before, NOW + 5);
    expect([kind, command.state]).toEqual(TABLE[state][event]);
    if (kind !== "changed") expect(command).toBe(before);
  });

  it("keeps its times: delivered, acknowledged, completed, each once", () => {
    const delivered = deliver(commandIn("pending"), NOW + 1).command;
    const acknowledged = acknowledge(delivered, NOW + 2).command;
    const done = complete(acknowledged, { status: "success", result: "ok" }, NOW + 3).command;
    expect(done).toMatchObject({ deliveredAt: NOW + 1, acknowledgedAt: NOW + 2, completedAt: NOW + 3, result: "ok", late: false });
    expect(acknowledge(commandIn("pending"), NOW + 2).command).toMatchObject({ deliveredAt: NOW + 2, acknowledgedAt: NOW + 2 });
    expect(complete(commandIn("pending"), { status: "failed", result: "" }, NOW + 3).command).toMatchObject({ acknowledgedAt: NOW + 3 });
    expect(expire(delivered, NOW + 2 * COMMAND_TTL_MS).command.completedAt).toBe(NOW + COMMAND_TTL_MS);
  });

  it("keeps a late result once: the same again is harmless, another is refused", () => {
    const late = complete(commandIn("expired"), { status: "success", result: "late" }, NOW);
    expect(late).toMatchObject({ kind: "changed", command: { state: "expired", late: true, result: "late", completedAt: NOW } });
    expect(complete(late.command, { status: "success", result: "late" }, NOW).kind).toBe("same");
    expect(complete(late.command, { status: "success", result: "other" }, NOW)).toEqual({ kind: "refused", command: late.command });
  });

  it("cuts long results, and knows a long one again", () => {
    const long = "x".repeat(RESULT_MAX_CHARS + 100);
    const done = complete(commandIn("pending"), { status: "success", result: long }, NOW);
    expect(done.command.result).toHaveLength(RESULT_MAX_CHARS);
    expect(complete(done.command, { status: "success", result: long }, NOW).kind).toBe("same");
  });

  it("is told again until it is acknowledged or past its life", () => {
    for (const state of STATES) {
      expect(isUndelivered(commandIn(state), NOW)).toBe(state === "pending" || state === "delivered");
      expect(isUndelivered(commandIn(state), NOW + COMMAND_TTL_MS)).toBe(false);
    }
  });

  it("never leaves a final state, never goes back, and takes one result, whatever comes in whatever order", () => {
    const rank = (state: CommandState) => (FINAL.includes(state) ? OPEN.length : OPEN.indexOf(state));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...(Object.keys(EVENTS) as Event[])), fc.nat(1_000)), { maxLength: 20 }), (steps) => {
        let command = commandIn("pending");
        let results = 0;
        for (const [event, at] of steps) {
          const before = command;
          const { kind, command: after } = EVENTS[event](before, NOW + at);
          if (kind !== "changed") expect(after).toBe(before);
          else if (after.result !== before.result) results++;
          if (FINAL.includes(before.state)) expect(after.state).toBe(before.state);
          expect(rank(after.state)).toBeGreaterThanOrEqual(rank(before.state));
          expect(after.late && OPEN.includes(after.state)).toBe(false);
          command = after;
        }
        expect(results).toBeLessThanOrEqual(1);
        expect(command.completedAt !== null).toBe(FINAL.includes(command.state));
      }),
      { numRuns: 500 },
    );
  });
});

describe("what clients see of a command", () => {
  it("knows no delivered: it is pending with a time beside it", () => {
    const command = deliver(commandIn("pending", { payload: { version: "2" } }), NOW + 1).command;
    expect(toCommandView(command)).toEqual({ id: "cmd_1", status: "pending", commandType: "update_cli" });
    expect(toCommandStatus(command)).toMatchObject({ status: "pending", deliveredAt: new Date(NOW + 1).toISOString(), completedAt: null });
    expect(toPendingCommand(command)).toEqual({ id: "cmd_1", command_type: "update_cli", payload: { version: "2" } });
  });

  it("fits the published schema in every state and of every type", () => {
    for (const state of STATES) for (const type of COMMAND_TYPES) expect(CommandStatusResponse.safeParse(toCommandStatus(commandIn(state, { type }))).success).toBe(true);
  });
});

describe("an id for a machine whose asked id is taken", () => {
  it("is the asked one with four characters, within the limit", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 255 }), (asked) => {
        const minted = mintInstanceId(asked, NOW);
        expect(minted).toMatch(/-[0-9a-z]{4}$/);
        expect(minted.length).toBe(Math.min(asked.length + 5, 255));
        expect(minted.startsWith(asked.slice(0, 250))).toBe(true);
      }),
    );
    expect(new Set(Array.from({ length: 100 }, () => mintInstanceId("den", NOW))).size).toBeGreaterThan(95);
  });
});
