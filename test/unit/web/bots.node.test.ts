import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../web/src/api/errors";
import { fieldFault, findProblem } from "../../../web/src/bots/bot-errors.core";
import { describeHealth, describePhase, failureText, isAtWork, isRepairable, PHASE_WORDS, readPhase } from "../../../web/src/bots/bot-phase.core";
import { activityText, endOfDay, findRoomName, fleetBotsVersion, mxidFault, placeBots, roomIdFault, sortBots, suggestUsername, toBotRow, usernameFault } from "../../../web/src/bots/bots.core";
import type { Bot, BotStatus, LiveBot } from "../../../web/src/bots/bots.types";
import { formatCountdown, isTaken, pairStep, spellCode, type PairNow, type PairStart } from "../../../web/src/bots/pairing.core";
import { EMPTY_FLEET, reduceFleet } from "../../../web/src/fleet/fleet.reducer";
import type { FleetState } from "../../../web/src/fleet/fleet.types";
import { describeEvent } from "../../../web/src/machine/history.core";
import { describeTransfer, isTransferOver, machinesWithout, skillsOn } from "../../../web/src/machine/skills.core";
import { PAIRING_PHASES } from "../../../src/fleet/pairings/pairings.core";
import { machine } from "./machine";

const T0 = Date.parse("2026-01-01T00:00:00Z");

function bot(id: string, change: Partial<Bot> = {}): Bot {
  return {
    id,
    owner_user_id: 1,
    owner_short_id: "000001",
    bot_user_id: `@${id}_bot:here`,
    bot_name: id,
    bot_username: `${id}_bot`,
    openclaw_connected: false,
    runtime: "openclaw",
    sharing_enabled: true,
    active: true,
    created_at: "2026-01-01T00:00:00Z",
    claude_control_mode: null,
    plan_disabled_at: null,
    disabled_by_plan: false,
    paired_instance_id: null,
    pairing_session_id: null,
    ...change,
  };
}

function live(botId: string, change: Partial<LiveBot> = {}): LiveBot {
  return {
    botId,
    botName: botId,
    botUsername: `${botId}_bot`,
    status: "running",
    activityState: "idle",
    activeTask: null,
    claudeCodeEnabled: null,
    claudeCodeSessionId: null,
    roomsActive: 0,
    healthScore: 100,
    pairingPhase: "live",
    pairingSessionId: "s1",
    failureReason: null,
    skillCount: null,
    messagesReceived: 1,
    messagesSent: 2,
    chunkedMessages: 0,
    errors: 0,
    totalChunksSent: 0,
    lastActivityAt: null,
    lastError: null,
    lastErrorAt: null,
    uptimeSeconds: 0,
    ...change,
  };
}

const fleetOf = (...machines: ReturnType<typeof machine>[]): FleetState =>
  reduceFleet(EMPTY_FLEET, { kind: "snapshot", machines, overview: null, requestedAtMs: T0, receivedAtMs: T0 });

const rowOf = (one: Bot, fleet: FleetState | undefined, hasCode = false, status?: Partial<BotStatus>) =>
  toBotRow(one, fleet, placeBots(fleet), hasCode, status as BotStatus | undefined);

describe("what a bot's row says", () => {
  const den = fleetOf(machine("den", { bots: [live("fox", { pairingPhase: "degraded", failureReason: "bot_error" })] }), machine("attic"));

  it("follows the live fleet", () => {
    expect(rowOf(bot("fox", { paired_instance_id: "den" }), den)).toMatchObject({ phase: "degraded", failureReason: "bot_error", machine: { instanceId: "den", isReachable: true }, live: { messagesSent: 2 } });
  });

  it("does not believe a machine that has lost the bot", () => {
    expect(rowOf(bot("fox", { paired_instance_id: "attic" }), den)).toMatchObject({ phase: "redeemed", machine: { instanceId: "attic" }, live: null });
  });

  it("shows the bot of a machine before the list knows of it", () => {
    expect(rowOf(bot("fox"), den)).toMatchObject({ phase: "degraded", machine: { instanceId: "den" } });
  });

  it("knows codes of bots that are nowhere", () => {
    expect(rowOf(bot("hare"), den).phase).toBe("unpaired");
    expect(rowOf(bot("hare"), den, true).phase).toBe("pending");
    expect(rowOf(bot("hare"), den, false, { pairingPhase: "expired" }).phase).toBe("expired");
    expect(rowOf(bot("hare"), den, false, { pairingPhase: "pending" }).phase).toBe("unpaired");
    expect(rowOf(bot("hare"), undefined).machine).toBeNull();
  });

  it("keeps the phase of a bot that runs while a new code waits", () => {
    expect(rowOf(bot("fox", { paired_instance_id: "den" }), den, true).phase).toBe("degraded");
  });

  it("shows what the plan switched off as just that", () => {
    expect(rowOf(bot("fox", { disabled_by_plan: true }), den)).toMatchObject({ phase: "disabled", live: null, machine: null });
  });

  it("prefers the machine where the bot lives over the one that it left", () => {
    const moved = fleetOf(machine("a", { bots: [live("fox", { pairingPhase: "closed" })] }), machine("b", { bots: [live("fox")] }));
    expect(placeBots(moved).get("fox")?.entry.machine.instanceId).toBe("b");
  });

  it("sorts by name as people count", () => {
    expect(sortBots([bot("b", { bot_name: "bot 10" }), bot("a", { bot_name: "Bot 9" })]).map(({ bot_name }) => bot_name)).toEqual(["Bot 9", "bot 10"]);
  });
});

describe("events of pairings", () => {
  const change = (state: FleetState, botId: string, pairingPhase: string, failureReason: string | null = null, id = 7) =>
    reduceFleet(state, { kind: "event", id, event: { type: "bot.pairing.change", instanceId: "den", botId, pairingPhase, failureReason }, receivedAtMs: T0 + 1 });
  const den = fleetOf(machine("den", { bots: [live("fox")] }));

  it("move the phase of a known bot, and the version that lists are read by", () => {
    const moved = change(den, "fox", "degraded", "machine_offline");
    expect(moved.entries["den"]?.machine.bots[0]).toMatchObject({ pairingPhase: "degraded", failureReason: "machine_offline" });
    expect(fleetBotsVersion(moved)).not.toBe(fleetBotsVersion(den));
    expect(fleetBotsVersion(change(moved, "fox", "live", null, 8))).toBe(fleetBotsVersion(den));
  });

  it("read the fleet again for a bot that nobody knew, and drop one that left", () => {
    expect(change(den, "hare", "redeemed").resyncSeq).toBe(den.resyncSeq + 1);
    expect(change(den, "hare", "closed")).toMatchObject({ resyncSeq: den.resyncSeq });
    expect(change(den, "fox", "closed").entries["den"]?.machine.bots).toEqual([]);
  });

  it("have words in a machine's history", () => {
    const words = (data: Record<string, unknown>) => Object.values(describeEvent({ type: "bot.pairing.change", data }, new Map([["b1", "Fox"]])));
    expect(words({ botId: "b1", pairingPhase: "live", failureReason: null })).toEqual(["Fox: live", "", "ok"]);
    expect(words({ botId: "b1", pairingPhase: "degraded", failureReason: "bot_error" })).toEqual(["Fox: degraded", "it reports an error", "warn"]);
    expect(words({ botId: "b2", pairingPhase: "closed" })).toEqual(["Bot left", "", "plain"]);
  });
});

describe("phases", () => {
  it("has words for every phase of the server", () => {
    for (const phase of PAIRING_PHASES) expect(PHASE_WORDS[readPhase(phase)].label).not.toBe("Unknown");
    expect(readPhase("closed")).toBe("unpaired");
    expect(readPhase("toString")).toBe("unknown");
    expect(readPhase(null)).toBe("unpaired");
  });

  it("says why, and what to do", () => {
    expect(describePhase({ phase: "degraded", failureReason: "token_dead", machineName: "den" })).toMatch(/homeserver does not take its token.*repair/i);
    expect(describePhase({ phase: "failed", failureReason: null, machineName: null })).toMatch(/repair/i);
    expect(describePhase({ phase: "redeemed", failureReason: null, machineName: "den" })).toContain("den");
    expect(failureText("some_new_reason")).toBe("some new reason");
  });

  it("offers a repair only where the server takes one", () => {
    expect(Object.keys(PHASE_WORDS).filter((phase) => isRepairable(readPhase(phase)))).toEqual(["degraded", "failed"]);
    expect(isAtWork("redeemed")).toBe(false);
  });

  it("names health", () => {
    expect([null, 0, 40, 50, 80, 100].map((score) => describeHealth(score)?.text ?? null)).toEqual([null, "poor", "poor", "strained", "strained", "healthy"]);
  });

  it("tells what a bot does", () => {
    expect(activityText(live("x", { activityState: "working", activeTask: { title: "  Plan  " } }))).toBe("Working: Plan");
    expect(activityText(live("x", { activityState: "working", activeTask: { title: 5 } }))).toBe("Working");
    expect(activityText(live("x", { status: "stopped" }))).toBe("Stopped");
    expect(activityText(live("x", { status: "unknown" }))).toBeNull();
    expect(activityText(null)).toBeNull();
  });
});

describe("the way of a code", () => {
  const fresh: PairStart = { phase: "unpaired", instanceId: null, sessionId: null };
  const step = (start: PairStart, now: Partial<PairNow>) => pairStep(start, { ...start, wasTaken: false, isExpired: false, ...now });

  it("goes from waiting to live", () => {
    expect(step(fresh, { phase: "pending" })).toBe("waiting");
    expect(step(fresh, { phase: "pending", isExpired: true })).toBe("expired");
    expect(step(fresh, { phase: "redeemed", instanceId: "den" })).toBe("taken");
    expect(step(fresh, { phase: "connecting", instanceId: "den" })).toBe("connecting");
    expect(step(fresh, { phase: "live", instanceId: "den", isExpired: true })).toBe("live");
    expect(step(fresh, { phase: "degraded", instanceId: "den" })).toBe("trouble");
  });

  it("does not take a bot that ran before for one that was just paired", () => {
    const running: PairStart = { phase: "live", instanceId: "den", sessionId: "s1" };
    expect(isTaken(running, running)).toBe(false);
    expect(step(running, {})).toBe("waiting");
    expect(step(running, { phase: "degraded" })).toBe("waiting");
    expect(step(running, { phase: "redeemed" })).toBe("taken");
    expect(step(running, { sessionId: "s2" })).toBe("live");
    expect(step(running, { instanceId: "attic" })).toBe("live");
    expect(step(running, { wasTaken: true })).toBe("live");
  });

  it("counts down and spells", () => {
    expect([600_000, 59_001, 1, 0, -5].map(formatCountdown)).toEqual(["10:00", "1:00", "0:01", "0:00", "0:00"]);
    expect(spellCode("BCK-AB23-CD45")).toBe("B C K A B 2 3 C D 4 5");
  });
});

describe("what people type", () => {
  it("suggests usernames that are possible", () => {
    expect(suggestUsername("  Ältere Gärtnerin №2 ")).toBe("altere_gartnerin_no2");
    fc.assert(fc.property(fc.string({ unit: "binary" }), (name) => usernameFault(suggestUsername(name)) === null));
  });

  it("refuses what the server would", () => {
    expect(["fox", "fox_bot", "", "a1_"].map(usernameFault)).toEqual([null, null, null, null]);
    for (const bad of ["Fox", "f ox", "fox!", "_bot", "x".repeat(51)]) expect(usernameFault(bad)).not.toBeNull();
    for (const good of ["@ada:localhost", "@ada:example.org:8448"]) expect(mxidFault(good)).toBeNull();
    for (const bad of ["ada", "@ada", "ada:here", "@a da:here", "@:here"]) expect(mxidFault(bad)).not.toBeNull();
    for (const good of ["!abc:here", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"]) expect(roomIdFault(good)).toBeNull();
    expect(roomIdFault("#lounge:here")).toMatch(/internal ID/);
    expect(roomIdFault("lounge")).not.toBeNull();
  });

  it("takes the whole of the last day", () => {
    expect(endOfDay("")).toBeNull();
    const end = new Date(endOfDay("2026-03-01") ?? "");
    expect([end.getFullYear(), end.getMonth(), end.getDate(), end.getHours(), end.getMinutes()]).toEqual([2026, 2, 1, 23, 59]);
  });

  it("finds a room's name in what bots tell", () => {
    expect(findRoomName([null, "x", { room_id: "!a", name: "Lounge" }], "!a")).toBe("Lounge");
    expect(findRoomName([{ roomId: "!b", name: "" }], "!b")).toBeNull();
    expect(findRoomName(null, "!a")).toBeNull();
  });
});

describe("refusals", () => {
  const refusal = (code: string, message = "Said so.", fields: Record<string, string> = {}) => new ApiError({ status: 409, code, message, fields });

  it("have human words where the server's are not enough", () => {
    expect(findProblem(refusal("matrix_unavailable"))?.advice).toMatch(/MATRIX_BASE_URL/);
    expect(findProblem(refusal("plan_limit", "Your plan allows 3 bots."))?.title).toBe("Your plan allows 3 bots.");
    expect(findProblem(refusal("something_else"))).toBeNull();
  });

  it("go below the input that they are about", () => {
    expect(fieldFault(refusal("bot_name_taken"), "bot_username", "bot_name_taken")).toMatch(/taken/);
    expect(fieldFault(refusal("validation_error", "", { bot_name: "Too long." }), "bot_name")).toBe("Too long.");
    expect(fieldFault(refusal("forbidden", "Not yours."), "room_id", "forbidden")).toBe("Not yours.");
    expect(fieldFault(refusal("matrix_unavailable"), "room_id", "forbidden")).toBeNull();
    expect(fieldFault(null, "x")).toBeNull();
  });
});

describe("skills of machines", () => {
  const skill = (name: string, ...machines: string[]) => ({ name, description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, installedOn: machines.map((instanceId) => ({ instanceId, hostname: null })) });

  it("are where they are, and can go elsewhere", () => {
    const skills = [skill("b", "den"), skill("a", "den", "attic"), skill("c", "attic"), { ...skill("d"), installedOn: null }];
    expect(skillsOn(skills, "den").map(({ name }) => name)).toEqual(["a", "b"]);
    const entries = Object.values(fleetOf(machine("den"), machine("attic")).entries);
    expect(machinesWithout(entries, skill("b", "den")).map(({ machine }) => machine.instanceId)).toEqual(["attic"]);
  });

  it("tell how a copy goes", () => {
    expect(["waiting_source", "sending", "installed", "failed", "expired"].map(isTransferOver)).toEqual([false, false, true, true, true]);
    expect(describeTransfer("failed", "attic", "No such skill.")).toEqual({ text: "It could not be installed on attic: No such skill.", tone: "warn" });
    expect(describeTransfer("installed", "attic", "")).toMatchObject({ tone: "ok" });
  });
});
