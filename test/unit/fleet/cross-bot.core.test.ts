import { describe, expect, it } from "vitest";
import { firstAnswer, firstCommonRoom, groupRoomName, mentionContent, unionOfTargets } from "../../../src/fleet/cross-bot/cross-bot.core";

describe("bots that talk to each other", () => {
  it("are named once, however they were named", () => {
    expect(unionOfTargets(null, null)).toEqual([]);
    expect(unionOfTargets("", ["b"])).toEqual(["b"]);
    expect(unionOfTargets("a", ["b", "a", "b"])).toEqual(["a", "b"]);
  });

  it("meet in the same room whatever order their rooms come in", () => {
    expect(firstCommonRoom(["!c", "!a", "!b"], ["!b", "!c"])).toBe("!b");
    expect(firstCommonRoom(["!b", "!c", "!a"], ["!c", "!b"])).toBe("!b");
    expect(firstCommonRoom(["!a"], ["!b"])).toBeNull();
  });

  it("mention without letting text become markup", () => {
    const content = mentionContent(
      [
        { matrixId: "@a_bot:x", name: "<A>" },
        { matrixId: "@b_bot:x", name: "B" },
      ],
      "1 < 2 & \"so\"\n'on'",
    );
    expect(content).toEqual({
      msgtype: "m.text",
      body: "@a_bot:x @b_bot:x: 1 < 2 & \"so\"\n'on'",
      format: "org.matrix.custom.html",
      formatted_body: '<a href="https://matrix.to/#/%40a_bot%3Ax">&lt;A&gt;</a> <a href="https://matrix.to/#/%40b_bot%3Ax">B</a>: 1 &lt; 2 &amp; &quot;so&quot;<br>&#39;on&#39;',
      "m.mentions": { user_ids: ["@a_bot:x", "@b_bot:x"] },
    });
  });

  it("name their room, within what a name may be long", () => {
    expect(groupRoomName([{ matrixId: "@a_bot:x", name: "A" }, { matrixId: "@b_bot:x", name: "B" }])).toBe("A, B");
    expect(groupRoomName(Array.from({ length: 11 }, () => ({ matrixId: "@a_bot:x", name: "n".repeat(255) })))).toHaveLength(255);
  });

  it("answer with the oldest message after the moment", () => {
    const said = (sender: string, sentAt: number) => ({ sender, sentAt });
    const messages = [said("@b", 50), said("@a", 40), said("@b", 30), said("@b", 20)];
    expect(firstAnswer(messages, "@b", 20)).toBe(messages[2]);
    expect(firstAnswer(messages, "@b", 0)).toBe(messages[3]);
    expect(firstAnswer(messages, "@b", 50)).toBeNull();
    expect(firstAnswer([], "@b", 0)).toBeNull();
  });
});
