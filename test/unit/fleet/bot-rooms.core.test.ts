import { describe, expect, it } from "vitest";
import { isBusy, isRoomId, judgeRoom, lastLookAt, LATE_EFFECT_MS, showsAllHistory } from "../../../src/fleet/bot-rooms/bot-rooms.core";

describe("work on a bot's room", () => {
  const row = (state: "joining" | "joined" | "leaving", settleAt: number | null) => ({ state, settleAt, updatedAt: 1_000 });

  it("is somebody's while its lease lasts, and nobody's when it only waits for its last look", () => {
    expect(isBusy(row("joined", null), 2_000)).toBe(false);
    for (const state of ["joining", "joined", "leaving"] as const) {
      expect(isBusy(row(state, 3_000), 2_000)).toBe(true);
      expect(isBusy(row(state, 3_000), 3_000)).toBe(false);
    }
    expect(lastLookAt(row("leaving", null))).toBe(1_000 + LATE_EFFECT_MS);
    expect(isBusy(row("leaving", 1_000 + LATE_EFFECT_MS), 2_000)).toBe(false);
    expect(isBusy(row("joining", 1_000 + LATE_EFFECT_MS), 2_000)).toBe(true);
  });
});

describe("rooms", () => {
  it("have ids that begin with !, with or without a server", () => {
    for (const id of ["!abc:example.org", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"]) expect(isRoomId(id)).toBe(true);
    for (const id of ["", "!", "#alias:example.org", "abc", "@person:example.org"]) expect(isRoomId(id)).toBe(false);
  });

  it("are deleted only when everybody in them is a bot of ours", () => {
    const ours = new Set(["@a_bot:x", "@b_bot:x"]);
    expect(judgeRoom(null, ours)).toBe("gone");
    expect(judgeRoom([], ours)).toBe("empty_of_humans");
    expect(judgeRoom(["@a_bot:x"], ours)).toBe("empty_of_humans");
    for (const member of ["@ada:x", "@a_bot:y", "@c_bot:x"]) expect(judgeRoom(["@a_bot:x", member], ours)).toBe("humans_present");
  });

  it("show all of their past only where that is their rule", () => {
    expect(["shared", "world_readable", "invited", "joined", null].map(showsAllHistory)).toEqual([true, true, false, false, false]);
  });
});
