import { assert as holds, array, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../web/src/api/errors";
import type { VmEvent } from "../../../web/src/api/live-types";
import { findVmProblem } from "../../../web/src/cloud/cloud-errors.core";
import { cloudVersion, describePayer, describePlaces, describeSize, isInFlight, progressOf, stateOf, STATE_WORDS } from "../../../web/src/cloud/cloud.core";
import type { CloudVm, VmAddon } from "../../../web/src/cloud/cloud.types";
import { EMPTY_FORM, formFaults, toNewVm } from "../../../web/src/cloud/new-vm.core";
import { foldWay, stepBars, VM_STEPS, wayFromList, type Way } from "../../../web/src/cloud/steps.core";
import { formatDay } from "../../../web/src/lib/format";
import type { MachineEntry } from "../../../web/src/fleet/fleet.types";
import { machine } from "./machine";

const DAY = "2026-11-25T12:00:00.000Z";

const vm = (change: Partial<CloudVm> = {}): CloudVm => ({
  instance_id: "cloud-1",
  orgo_computer_id: null,
  provision_status: "installing",
  provision_detail: "Unpacking",
  online: false,
  step: "install",
  step_percent: 40,
  percent: 50,
  last_error: null,
  last_error_at: null,
  name: "demo",
  cpu: 2,
  ram: 8,
  disk_size_gb: null,
  llm_provider: "anthropic",
  driver: "process",
  orgo_workspace_id: null,
  orgo_workspace_name: null,
  addon_id: null,
  unpaid_since: null,
  destroy_after: null,
  created_at: DAY,
  ...change,
});
const entry = (change: Parameters<typeof machine>[1]): MachineEntry => ({ machine: machine("cloud-1", change), linkDownAt: null, restart: null, touchedAtMs: 0, stateAt: null, flash: 0 });
const addon = (change: Partial<VmAddon>): VmAddon => ({ id: "a1", source: "stripe", status: "active", product_id: null, period_end: DAY, grace_until: null, ended_at: null, instance_id: "cloud-1", created_at: DAY, ...change });
const progress = (seq: number, provisionStatus: string, step: string, stepPercent = 0): VmEvent => ({ type: "cloud_vm.progress", instanceId: "cloud-1", provisionStatus, step, percent: 1, stepPercent, detail: `told ${seq}`, seq, at: DAY });
const settled = (seq: number | null, provisionStatus: string): VmEvent => ({ type: "cloud_vm.settled", instanceId: "cloud-1", provisionStatus, detail: null, seq, at: DAY });

describe("what the list says of a machine", () => {
  it("is the live fleet's word over the list's", () => {
    expect(progressOf(vm(), undefined)).toEqual({ status: "installing", percent: 50, detail: "Unpacking" });
    expect(progressOf(vm(), entry({}))).toEqual({ status: "installing", percent: 50, detail: "Unpacking" });
    expect(progressOf(vm(), entry({ provisionStatus: "setup", provisionPercent: 85, provisionDetail: "Starting" }))).toEqual({ status: "setup", percent: 85, detail: "Starting" });
  });

  it("never calls a machine online that is not heard, and a word it does not know a failure", () => {
    expect([stateOf("online", true), stateOf("online", null), stateOf("online", false), stateOf("booting", false), stateOf("odd", null)]).toEqual(["online", "online", "silent", "booting", "failed"]);
    expect(Object.keys(STATE_WORDS).filter((state) => isInFlight(state as keyof typeof STATE_WORDS))).toEqual(["booting", "installing", "setup"]);
  });

  it("tells its size, and how many more are paid for", () => {
    expect([describeSize(vm()), describeSize(vm({ cpu: 1, ram: 64, disk_size_gb: 40 }))]).toEqual(["2 cores · 8 GB memory", "1 core · 64 GB memory · 40 GB disk"]);
    const places = (available: number) => describePlaces({ cloud_vms: [vm()], included: 1, addons: 0, available });
    expect([places(0), places(2), places(-1)]).toEqual(["1 machine, no more paid for", "1 machine, 2 more paid for", "1 machine"]);
  });

  it("tells what pays for it, and warns where that ends", () => {
    const day = formatDay(DAY);
    const paid = (change: Partial<VmAddon>) => describePayer(vm({ addon_id: "a1" }), [addon(change)]);
    expect(describePayer(vm(), [])).toEqual({ text: "Included in your plan", isEnding: false });
    expect(describePayer(vm({ addon_id: "a1" }), undefined)).toEqual({ text: "Paid by an add-on", isEnding: false });
    expect(paid({})).toEqual({ text: `Paid by an add-on, renews on ${day}`, isEnding: false });
    expect(paid({ status: "cancelled" })).toEqual({ text: `Its add-on ends on ${day}, and the machine with it`, isEnding: true });
    expect(paid({ status: "grace", grace_until: DAY })).toEqual({ text: `Its add-on's payment failed: pay before ${day}`, isEnding: true });
    expect(paid({ status: "expired" }).isEnding).toBe(true);
    expect(describePayer(vm({ addon_id: "a1", destroy_after: DAY, unpaid_since: DAY }), [addon({})])).toEqual({ text: `Nothing pays for it: it is destroyed on ${day}`, isEnding: true });
  });

  it("is read again when a cloud machine came, went or turned, not when percents or other machines move", () => {
    const version = (...entries: MachineEntry[]) => cloudVersion(Object.fromEntries(entries.map((one, index) => [index, one])));
    const installing = entry({ provisionStatus: "installing", provisionPercent: 40 });
    expect(version(installing)).toBe(version(entry({ provisionStatus: "installing", provisionPercent: 50 }), entry({})));
    expect(new Set([version(), version(installing), version(entry({ provisionStatus: "online" }))]).size).toBe(3);
    expect(cloudVersion(undefined)).toBe("");
  });
});

describe("a machine's way", () => {
  it("takes what is newer, drops history and repeats, and goes on after a restart", () => {
    const now = foldWay(null, progress(5, "installing", "install", 40));
    expect(now).toMatchObject({ seq: 5, status: "installing", stepPercent: 40, isSettled: false });
    expect(foldWay(now, progress(3, "booting", "boot"))).toBe(now);
    expect(foldWay(now, progress(5, "failed", "install"))).toBe(now);
    expect(foldWay(now, settled(4, "failed"))).toBe(now);
    const failed = foldWay(foldWay(now, progress(6, "failed", "install", 60)), settled(6, "failed"));
    expect(failed).toMatchObject({ status: "failed", step: "install", stepPercent: 60, isSettled: true, detail: "told 6" });
    expect(foldWay(failed, progress(8, "booting", "boot"))).toMatchObject({ status: "booting", isSettled: false });
    expect(foldWay(now, settled(null, "destroyed"))).toMatchObject({ status: "destroyed", isSettled: true });
    expect(foldWay(null, settled(6, "failed"))).toBeNull();
    expect(foldWay(wayFromList(vm()), progress(0, "setup", "setup"))).toMatchObject({ status: "setup" });
  });

  it("never goes back, whatever order events come in", () => {
    const event = record({ seq: integer({ min: 0, max: 30 }), status: constantFrom("booting", "installing", "failed", "online") });
    holds(
      property(array(event), (events) => {
        let way: Way | null = null;
        for (const { seq, status } of events) {
          const before: Way | null = way;
          way = foldWay(way, progress(seq, status, "boot"));
          expect(way?.seq).toBeGreaterThanOrEqual(before?.seq ?? 0);
        }
        expect(way?.seq ?? -1).toBe(Math.max(-1, ...events.map(({ seq }) => seq)));
      }),
    );
  });

  it("has one bar per step: done before, as far as it is now, nothing ahead", () => {
    const bars = (status: string, step: string, stepPercent = 0) => stepBars({ status, step, stepPercent, detail: "Why" }).map(({ state, percent }) => `${state} ${percent}`);
    expect(bars("booting", "create")).toEqual(["now 0", "waiting 0", "waiting 0", "waiting 0", "waiting 0"]);
    expect(bars("installing", "install", 40.4)).toEqual(["done 100", "done 100", "now 40", "waiting 0", "waiting 0"]);
    expect(bars("failed", "setup", 120)).toEqual(["done 100", "done 100", "done 100", "failed 100", "waiting 0"]);
    expect(bars("online", "online", 100)).toEqual(VM_STEPS.map(() => "done 100"));
    expect(stepBars({ status: "installing", step: "install", stepPercent: 1, detail: "Why" }).map(({ detail }) => detail)).toEqual([null, null, "Why", null, null]);
  });
});

describe("the form of a new machine", () => {
  const ready = { ...EMPTY_FORM, key: " sk-ant-12345 " };

  it("sends what was chosen; an empty name and disk are the server's to choose", () => {
    expect(toNewVm(ready)).toEqual({ name: null, cpu: 2, ram: 8, disk_size_gb: null, llm_provider: "anthropic", llm_api_key: "sk-ant-12345" });
    expect(toNewVm({ ...ready, key: " " })).toMatchObject({ llm_provider: null, llm_api_key: null });
    expect(toNewVm({ ...ready, name: " den ", disk: "40", cpu: 16 })).toMatchObject({ name: "den", disk_size_gb: 40, cpu: 16 });
  });

  it("is not ready without a key, and says what is wrong with a key or a disk", () => {
    expect(formFaults(EMPTY_FORM)).toEqual({ disk: null, key: null });
    for (const key of ["short", "with space 123", "ключ-ключ-ключ"]) expect(toNewVm({ ...ready, key })).toBeNull();
    for (const disk of ["7", "201", "8.5", "many", "-40"]) {
      expect(toNewVm({ ...ready, disk })).toBeNull();
      expect(formFaults({ disk, key: "" }).disk).not.toBeNull();
    }
    for (const disk of ["8", "200", " 40 "]) expect(toNewVm({ ...ready, disk })).not.toBeNull();
  });
});

describe("refusals", () => {
  const refusal = (code: string, message = "The server says.") => new ApiError({ status: 503, code, message });

  it("say what happened to the machine: an unreachable provider means another thing for each act", () => {
    const titles = (["create", "restart", "destroy", "buy", "read"] as const).map((act) => findVmProblem(refusal("dependency_unavailable"), act)?.title);
    expect(new Set(titles).size).toBe(5);
    expect(findVmProblem(refusal("dependency_unavailable"), "destroy")?.advice).toMatch(/is being destroyed/);
  });

  it("keep the server's own words where they know more", () => {
    expect(findVmProblem(refusal("plan_limit", "Two of two."), "create")).toEqual({ title: "Two of two.", advice: "" });
    expect(findVmProblem(refusal("provider_capacity"), "create")?.advice).toMatch(/nothing is charged/);
    expect(findVmProblem(refusal("odd"), "create")).toBeNull();
  });
});
