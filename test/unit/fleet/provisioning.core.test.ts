import { describe, expect, it } from "vitest";
import { beginStep, bootPercent, bootVerdict, isInFlight, isLiving, LATE_EFFECT_MS, LEASE_MS, patience, percentOf, pollMs, retryMs, STATUS_OF, STEP_MS, STEP_TRIES, type VmStatus, type VmStep } from "../../../src/fleet/vm-provisioning/provisioning.core";
import type { ComputerStatus } from "../../../src/kernel/ports/compute";

const STEPS: readonly VmStep[] = ["create", "boot", "install", "setup", "online"];
const STATUSES: readonly VmStatus[] = ["booting", "installing", "setup", "online", "failed", "destroying", "destroyed"];
const COMPUTERS: readonly ComputerStatus[] = ["creating", "starting", "running", "stopping", "stopped", "restarting", "suspended", "deleting", "error"];
const NOW = 1_795_000_000_000;
const MINUTE_MS = 60_000;

describe("how far a machine is", () => {
  it("only grows along the way, from nothing to nearly all; all is online alone", () => {
    const way = STEPS.flatMap((step) => Array.from({ length: 101 }, (_, stepPercent) => percentOf({ status: STATUS_OF[step], step, stepPercent })));
    expect(way[0]).toBe(0);
    expect(way.every((percent, i) => percent >= (way[i - 1] ?? 0))).toBe(true);
    expect(percentOf({ status: "online", step: "online", stepPercent: 3 })).toBe(100);
  });

  it("is a whole number between 0 and 100 whatever a machine says of itself", () => {
    for (const status of STATUSES) {
      for (const step of STEPS) {
        for (const stepPercent of [-1e9, -1, 0, 33.3, 99.99, 100, 101, 1e9]) {
          const percent = percentOf({ status, step, stepPercent });
          expect(Number.isInteger(percent) && percent >= 0 && percent <= 100, `${status} ${step} ${stepPercent}: ${percent}`).toBe(true);
        }
      }
    }
  });

  it("stays where it failed", () => {
    expect(percentOf({ status: "failed", step: "install", stepPercent: 50 })).toBe(55);
  });
});

describe("a step", () => {
  it("begins due, without tries, and with all its time", () => {
    for (const step of STEPS) {
      const begun = beginStep(step, NOW);
      expect(begun).toMatchObject({ step, status: STATUS_OF[step], stepStartedAt: NOW, stepDeadlineAt: NOW + STEP_MS, stepTries: 0, stepPercent: 0, settleAt: NOW, settleAttempts: 0 });
      expect(begun.detail).not.toBe("");
      expect(isInFlight(begun.status)).toBe(true);
    }
  });

  it("is waited for until its time is over, begun again twice, then given up: after half an hour in all", () => {
    let [row, now] = [{ stepDeadlineAt: NOW + STEP_MS, stepTries: 0 }, NOW];
    for (let tries = 1; ; tries++) {
      expect(patience(row, row.stepDeadlineAt - 1)).toEqual({ kind: "wait" });
      now = row.stepDeadlineAt;
      const next = patience(row, now);
      if (next.kind === "give_up") {
        expect(tries).toBe(STEP_TRIES);
        break;
      }
      expect(next).toEqual({ kind: "retry", stepTries: tries, stepDeadlineAt: now + STEP_MS });
      if (next.kind === "retry") row = next;
    }
    expect(now - NOW).toBe(STEP_TRIES * STEP_MS);
  });
});

describe("a computer", () => {
  it("is judged by every word that a provider has for it; only what runs is up", () => {
    expect(COMPUTERS.filter((status) => bootVerdict(status) === "up")).toEqual(["running"]);
    expect(COMPUTERS.filter((status) => bootVerdict(status) === "start")).toEqual(["stopped", "suspended"]);
    expect(COMPUTERS.filter((status) => bootVerdict(status) === "broken")).toEqual(["error"]);
    expect(COMPUTERS.filter((status) => bootVerdict(status) === "going")).toEqual(["deleting"]);
  });

  it("has booted to a share that is all only when it runs", () => {
    for (const status of COMPUTERS) expect(bootPercent(status) === 100, status).toBe(status === "running");
  });
});

describe("looking again", () => {
  it("is quick at first and never slower than four times a minute", () => {
    expect([0, 14_999, 15_000, 119_999, 120_000, 1e9].map(pollMs)).toEqual([1_000, 1_000, 5_000, 5_000, 15_000, 15_000]);
  });

  it("after failures waits twice as long each time, so that with the sweep's minute it is within a reconcile period", () => {
    const waits = Array.from({ length: 40 }, (_, i) => retryMs(i + 1));
    expect(waits.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(waits.every((ms, i) => ms >= (waits[i - 1] ?? 0))).toBe(true);
    expect(Math.max(...waits) + MINUTE_MS).toBeLessThanOrEqual(5 * MINUTE_MS);
    expect(retryMs(0)).toBe(2_000);
  });

  it("goes on for a tombstone longer than any claimed call can last", () => {
    expect(LATE_EFFECT_MS).toBeGreaterThan(5 * LEASE_MS);
  });
});

it("is living unless it is on its way out", () => {
  expect(STATUSES.filter((status) => !isLiving(status))).toEqual(["destroying", "destroyed"]);
  expect(STATUSES.filter(isInFlight)).toEqual(["booting", "installing", "setup"]);
});
