import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MachineSkill } from "../../../durable-objects/instance/machine.rpc";
import { CONTENT_MAX_BYTES, isSafePath, readContent } from "../../../src/fleet/skills/skill-content.core";
import { copiesOf, inlineText, isOpen, mergeSkills, nextCheckAt, nextState, nextStep, type MachineSkills, type TransferEvent, type TransferState, type TransferStep } from "../../../src/fleet/skills/skills.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const DIGEST = "a".repeat(64);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const bundle = (files: readonly unknown[]): Uint8Array => bytes(JSON.stringify({ files }));
const main = { path: "SKILL.md", content: base64("# Digging") };

const skill = (fields: Partial<MachineSkill> = {}): MachineSkill => ({ name: "dig", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, botIds: [], digest: null, sizeBytes: null, hasContent: false, ...fields });
const machine = (instanceId: string, skills: readonly MachineSkill[], reachable = true): MachineSkills => ({ instanceId, hostname: `${instanceId}.local`, reachable, skills });

describe("a content", () => {
  it("is a bundle or plain text", () => {
    expect(readContent(bundle([main, { path: "scripts/run.sh", content: base64("true") }]))).toEqual({ kind: "ok", format: "bundle", mainText: "# Digging" });
    expect(readContent(bytes("# Digging"))).toEqual({ kind: "ok", format: "text", mainText: "# Digging" });
    expect(readContent(bytes('{"not": "a bundle"}'))).toMatchObject({ kind: "ok", format: "text" });
    expect(readContent(bytes("{broken"))).toMatchObject({ kind: "ok", format: "text" });
    expect(readContent(bundle([{ path: "SKILL.md", content: "/w==" }]))).toEqual({ kind: "ok", format: "bundle", mainText: null });
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["too much", new Uint8Array(CONTENT_MAX_BYTES + 1).fill(65)],
    ["no text", new Uint8Array([0xff, 0xfe, 0x00])],
    ["no SKILL.md", bundle([{ path: "README.md", content: "" }])],
    ["one below only", bundle([{ ...main, path: "sub/SKILL.md" }])],
    ["a path out of the folder", bundle([main, { path: "../../.ssh/authorized_keys", content: "" }])],
    ["a file twice", bundle([main, { ...main, path: "skill.md" }])],
    ["a file that is a folder", bundle([main, { path: "Docs", content: "" }, { path: "docs/a/b.md", content: "" }])],
    ["no base64", bundle([{ ...main, content: "§" }])],
    ["no files", bundle([main, 7, null])],
    ["too many files", bundle([main, ...Array.from({ length: 200 }, (_, i) => ({ path: `f${i}`, content: "" }))])],
  ])("is not %s", (_, content) => {
    expect(readContent(content).kind).toBe("bad");
  });

  it("has no path that leaves its folder", () => {
    for (const path of ["", "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\\b", "C:/x", "a\u0000b", "x".repeat(401)]) expect(isSafePath(path), path).toBe(false);
    for (const path of ["SKILL.md", "a/b/c.txt", ".hidden", "..a", "a b"]) expect(isSafePath(path), path).toBe(true);
    fc.assert(fc.property(fc.string(), (path) => !isSafePath(path) || new URL(path.replaceAll(/[%?#]/g, "_"), "file:///root/").pathname.startsWith("/root/")));
  });

  it("travels in the command itself only when it is short", () => {
    expect(inlineText("short")).toBe("short");
    expect(inlineText(null)).toBeNull();
    expect(inlineText("x".repeat(24 * 1024 + 1))).toBeNull();
    expect(inlineText("ä".repeat(13_000))).toBeNull();
    expect(inlineText("\u0001".repeat(5_000))).toBeNull();
  });
});

describe("skills of a fleet", () => {
  it("are put together by name", () => {
    const merged = mergeSkills([
      machine("m1", [skill({ useCount: 2, createdAt: "2026-02-01" }), skill({ name: "alpha" })]),
      machine("m2", [skill({ description: "digs", useCount: 3, confirmed: true, createdAt: "2026-01-01" })]),
    ]);
    expect(merged).toMatchObject([
      { name: "alpha", installedOn: [{ instanceId: "m1", hostname: "m1.local" }] },
      { name: "dig", description: "digs", useCount: 5, confirmed: true, createdAt: "2026-01-01", installedOn: [{ instanceId: "m1" }, { instanceId: "m2" }] },
    ]);
  });

  it("come from machines that can be reached, and with their content, first", () => {
    const has = skill({ hasContent: true });
    const digest = skill({ digest: DIGEST });
    const order = copiesOf([machine("asleep", [has], false), machine("digest", [digest]), machine("full", [has]), machine("neither", [skill()]), machine("odd", [skill({ digest: "md5:1" })])], "dig");
    expect(order.map(({ instanceId }) => instanceId)).toEqual(["full", "digest", "asleep"]);
  });
});

describe("a transfer", () => {
  const events: readonly TransferEvent[] = ["content_sent", "installed", "failed", "expired"];

  it("goes forward only, and what is over stays", () => {
    const rank: Readonly<Record<TransferState, number>> = { waiting_source: 0, sending: 1, installed: 2, failed: 2, expired: 2 };
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 8 }), (happened) => {
        let state: TransferState = "waiting_source";
        for (const event of happened) {
          const next = nextState(state, event);
          if (!isOpen(state)) expect(next).toBeNull();
          if (next === null) continue;
          expect(rank[next]).toBeGreaterThan(rank[state]);
          if (next === "installed") expect(state).toBe("sending");
          state = next;
        }
      }),
    );
  });

  const facts = { state: "waiting_source" as const, exportCommandId: null, expiresAt: NOW + 1, hasContent: false, command: null };
  const command = (status: string, result: string | null = null) => ({ status, result });
  const ends = (event: "installed" | "failed" | "expired", failure: string | null = null): Partial<TransferStep> => (failure === null ? { kind: "end", event } : { kind: "end", event, failure });

  it.each([
    ["asks its source when the content is not there", {}, { kind: "ask_source" }],
    ["waits for the source", { exportCommandId: "c", command: command("acknowledged") }, { kind: "wait" }],
    ["sends what is there, asked for or not", { exportCommandId: "c", command: command("pending"), hasContent: true }, { kind: "send" }],
    ["ends when the source has no such skill", { exportCommandId: "c", command: command("failed", "no such skill") }, ends("failed", "no such skill")],
    ["ends when the source says that it sent what never came", { exportCommandId: "c", command: command("success", "sent") }, ends("failed")],
    ["ends with a source that was deleted", { exportCommandId: "c", command: "unknown" as const }, ends("failed")],
    ["waits for the target", { state: "sending" as const, command: command("pending") }, { kind: "wait" }],
    ["ends well", { state: "sending" as const, command: command("success", "ok"), expiresAt: NOW - 1 }, ends("installed")],
    ["ends badly", { state: "sending" as const, command: command("failed", "disk full") }, ends("failed", "disk full")],
    ["ends with a command that expired", { state: "sending" as const, command: command("expired") }, ends("failed")],
    ["ends with a target that was deleted", { state: "sending" as const, command: "unknown" as const }, ends("failed")],
    ["ends after a day", { expiresAt: NOW }, ends("expired")],
  ])("%s", (_, changes, step) => {
    expect(nextStep({ ...facts, ...changes }, NOW)).toMatchObject(step);
  });

  it("is looked after soon, then ever less often", () => {
    expect(nextCheckAt(NOW, NOW)).toBe(NOW + 30_000);
    expect(nextCheckAt(NOW, NOW + 8 * 60_000)).toBe(NOW + 10 * 60_000);
    expect(nextCheckAt(NOW, NOW + 10 * 3_600_000)).toBe(NOW + 10 * 3_600_000 + 15 * 60_000);
  });
});
