import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFrame, type Frame } from "../../../durable-objects/instance/socket-frames";

const KINDS: readonly Frame["t"][] = ["beat", "ack", "result", "bye", "invalid", "tooLarge"];
const read = (frame: unknown): Frame => readFrame(JSON.stringify(frame), "den");

describe("a frame of the machine socket", () => {
  it("never throws, whatever text comes", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" })), (text) => {
      expect(KINDS).toContain(readFrame(text, "den").t);
    }), { numRuns: 1_000 });
  });

  it("never throws, whatever JSON object comes under a known kind", () => {
    const kind = fc.constantFrom<unknown>("beat", "ack", "result", "bye", "hello", "__proto__", 7, null, {});
    fc.assert(
      fc.property(kind, fc.dictionary(fc.constantFrom("id", "status", "result", "new_version", "bots", "watched", "capabilities", "gateway_pid", "gateway_status", "__proto__"), fc.jsonValue()), (t, fields) => {
        const frame = read({ ...fields, t });
        expect(KINDS).toContain(frame.t);
        if (frame.t === "invalid") expect(frame.re.length).toBeLessThanOrEqual(40);
        if (frame.t === "result") expect(["success", "failed"]).toContain(frame.result.status);
        if (frame.t === "beat") expect(frame.payload.instance_id).toBe("den");
      }),
      { numRuns: 1_000 },
    );
  });

  it("that is too large or no text is told apart", () => {
    expect(readFrame("x".repeat(256 * 1024 + 1), "den")).toEqual({ t: "tooLarge" });
    expect(readFrame("x".repeat(256 * 1024), "den")).toMatchObject({ t: "invalid", re: "frame" });
    expect(readFrame(new ArrayBuffer(4), "den")).toMatchObject({ t: "invalid", re: "frame" });
    expect(readFrame("[".repeat(200_000), "den")).toMatchObject({ t: "invalid" });
    for (const text of ["[]", "null", "7", '"beat"', ""]) expect(readFrame(text, "den")).toMatchObject({ t: "invalid", re: "frame" });
  });

  it("means what it says", () => {
    expect(read({ t: "bye" })).toEqual({ t: "bye" });
    expect(read({ t: "ack", id: "c1", extra: 1 })).toEqual({ t: "ack", id: "c1" });
    expect(read({ t: "result", id: "c1", status: "failed", result: "no" })).toEqual({ t: "result", id: "c1", result: { status: "failed", result: "no", newVersion: null } });
    expect(read({ t: "result", id: "c1", status: "success", result: "", new_version: "2" })).toMatchObject({ result: { newVersion: "2" } });
    expect(read({ t: "beat", instance_id: "somebody-else", gateway_status: "running" })).toMatchObject({ t: "beat", payload: { instance_id: "den", gateway_status: "running" } });
  });

  it.each([
    [{ t: "ack" }, "ack", "id: Field required"],
    [{ t: "ack", id: 7 }, "ack", "id: Field required"],
    [{ t: "result", id: "c" }, "result", "status: must be success or failed"],
    [{ t: "result", id: "c", status: "success" }, "result", "result: Input should be a valid string"],
    [{ t: "result", id: "c", status: "success", result: "", new_version: 2 }, "result", "new_version: Input should be a valid string"],
    [{ t: "beat", bots: [{}] }, "beat", "bots.0.bot_id: Field required"],
    [{ t: "dance" }, "dance", "t: unknown kind of frame"],
    [{}, "frame", "t: unknown kind of frame"],
  ])("%j is refused by name", (frame, re, detail) => expect(read(frame)).toEqual({ t: "invalid", re, detail }));
});
