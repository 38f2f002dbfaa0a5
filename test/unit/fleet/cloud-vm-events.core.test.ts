import { describe, expect, it } from "vitest";
import { isSettled, openingOf, passageOf, type WatchedVm } from "../../../src/fleet/cloud-vms/events.core";

const VM: WatchedVm = { instanceId: "den", status: "installing", step: "install", stepPercent: 40, detail: "Unpacking", version: 5, updatedAt: Date.UTC(2026, 10, 22, 12) };
const progress = (seq: number, provisionStatus: string, instanceId = "den") => ({ type: "cloud_vm.progress", instanceId, provisionStatus, step: "boot", percent: 10, stepPercent: 0, detail: "Why", seq, at: "2026-11-22T12:00:00.000Z" });
const types = (passage: { readonly say: readonly { readonly [field: string]: unknown }[] }) => passage.say.map((event) => event["type"]);

describe("watching a cloud machine", () => {
  it("begins with what is true now, and with the last word where nothing follows", () => {
    const now = { type: "cloud_vm.progress", instanceId: "den", provisionStatus: "installing", step: "install", percent: 50, stepPercent: 40, detail: "Unpacking", seq: 5, at: "2026-11-22T12:00:00.000Z" };
    expect(openingOf(VM)).toEqual([now]);
    expect(openingOf({ ...VM, status: "failed" })).toEqual([
      { ...now, provisionStatus: "failed" },
      { type: "cloud_vm.settled", instanceId: "den", provisionStatus: "failed", detail: "Unpacking", seq: 5, at: now.at },
    ]);
    expect((["booting", "installing", "setup", "destroying", "online", "failed", "destroyed"] as const).map(isSettled)).toEqual([false, false, false, false, true, true, true]);
  });

  it("passes this machine's progress only", () => {
    for (const other of [progress(6, "online", "other"), { type: "resync" }, { type: "machine.online", instanceId: "den" }, { type: "machine.removed", instanceId: "other" }, { type: "cloud_vm.progress", instanceId: "den" }]) {
      expect(passageOf(other, VM)).toEqual({ say: [], ends: false });
    }
    expect(passageOf(progress(6, "setup"), VM)).toEqual({ say: [progress(6, "setup")], ends: false });
  });

  it("settles by what is newer than its beginning; what is as old is known, what is older is history", () => {
    for (const status of ["online", "failed", "destroyed"]) {
      expect([types(passageOf(progress(6, status), VM)), passageOf(progress(6, status), VM).ends]).toEqual([["cloud_vm.progress", "cloud_vm.settled"], true]);
      expect(passageOf(progress(5, status), VM)).toEqual({ say: [], ends: false });
      expect(passageOf(progress(4, status), VM)).toEqual({ say: [progress(4, status)], ends: false });
    }
  });

  it("ends with its machine", () => {
    const at = "2026-11-22T12:00:01.000Z";
    expect(passageOf({ type: "machine.removed", instanceId: "den", at }, VM)).toEqual({ say: [{ type: "cloud_vm.settled", instanceId: "den", provisionStatus: "destroyed", detail: null, seq: null, at }], ends: true });
  });
});
