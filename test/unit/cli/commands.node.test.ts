import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Logger } from "../../../cli/src/core/log";
import { CommandRunner, INTERRUPTED, type CommandSender } from "../../../cli/src/daemon/command-runner";
import { Journal, readJournalLines, trimJournal, type JournalEntry } from "../../../cli/src/daemon/journal";
import type { Command, CommandResult } from "../../../cli/src/link/frames";
import type { Delivery } from "../../../cli/src/link/link";
import { eventually, temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const OK: Delivery = { kind: "ok", status: "acknowledged" };
const LOST: Delivery = { kind: "retry", detail: "no answer" };
const DONE: CommandResult = { status: "success", result: "done", new_version: null };
const command = (id: string): Command => ({ id, type: "restart_gateway", payload: {} });

let home: ReturnType<typeof temporaryHome>;
let path: string;
let runners: CommandRunner[];

beforeEach(() => {
  home = temporaryHome();
  path = join(home.path, "commands.jsonl");
  runners = [];
});

afterEach(() => {
  for (const runner of runners) runner.stop();
  home.remove();
});

/** A runner whose server answers as told, with a record of what was executed and sent. */
function runWith(answers: { ack?: (id: string) => Delivery; result?: (id: string) => Delivery; execute?: (id: string) => Promise<CommandResult> } = {}) {
  const executed: string[] = [];
  const sent: string[] = [];
  const sender: CommandSender = {
    ack: async (id) => {
      sent.push(`ack ${id}`);
      return answers.ack?.(id) ?? OK;
    },
    result: async (id, result) => {
      sent.push(`${result.status} ${id}`);
      return answers.result?.(id) ?? OK;
    },
  };
  const link: { open: boolean } = { open: true };
  const runner = new CommandRunner({
    journal: new Journal(path),
    log: new Logger(join(home.path, "log")),
    sender: () => (link.open ? sender : undefined),
    execute: async ({ id }) => {
      executed.push(id);
      return (await answers.execute?.(id)) ?? DONE;
    },
    onCommand: () => undefined,
    onResult: () => undefined,
    retry: { baseMs: 2, capMs: 5 },
  });
  runners.push(runner);
  return { runner, executed, sent, link };
}

describe("journal", () => {
  const entry = (id: string, state: JournalEntry["state"]): JournalEntry => ({ id, type: "t", state });

  it("keeps the newest and whatever the server has not got", () => {
    const entries = new Map([entry("a", "done"), entry("b", "delivered"), entry("c", "started"), entry("d", "delivered"), entry("e", "delivered")].map((item) => [item.id, item]));
    expect([...trimJournal(entries, 2).keys()]).toEqual(["a", "c", "d", "e"]);
    expect([...trimJournal(entries, 10).keys()]).toHaveLength(5);
  });

  it("reads states in order, keeps results, drops payloads, and skips torn lines", () => {
    const text = ['{"id":"a","type":"t","state":"received","payload":{"k":1}}', '{"id":"b","type":"t","state":"received","payload":{"k":2}}', '{"id":"a","type":"t","state":"started"}', "", "garbage", `{"id":"a","state":"done","result":${JSON.stringify(DONE)}}`, '{"id":"a","state":"delivered"}', '{"id":"x","state":"odd"}', '{"id":"b","ty'].join("\n");
    expect([...readJournalLines(text).values()]).toEqual([
      { id: "a", type: "t", state: "delivered", result: DONE },
      { id: "b", type: "t", state: "received", payload: { k: 2 } },
    ]);
  });

  it("survives a torn last line and grows by whole lines", () => {
    writeFileSync(path, '{"id":"a","type":"t","state":"done","result":{"status":"success","result":"r","new_version":null}}\n{"id":"b","sta');
    const journal = new Journal(path);
    journal.received(command("c"));
    journal.close();
    const again = new Journal(path);
    expect([...readJournalLines(readFileSync(path, "utf8")).keys()]).toEqual(["a", "c"]);
    expect(again.find("a")?.result?.result).toBe("r");
    again.close();
  });
});

describe("command runner", () => {
  it("acknowledges, executes, reports; once each", async () => {
    const { runner, executed, sent } = runWith();
    runner.receive([command("a"), command("b"), command("a")]);
    expect(await runner.drain(5_000)).toBe(true);
    expect(executed).toEqual(["a", "b"]);
    expect(sent.indexOf("ack a")).toBeLessThan(sent.indexOf("success a"));
    expect(sent.filter((line) => line.startsWith("success"))).toEqual(["success a", "success b"]);
  });

  it("does not execute before the acknowledgement is confirmed, and tries again", async () => {
    let failures = 3;
    const { runner, executed, sent } = runWith({ ack: () => (failures-- > 0 ? LOST : OK) });
    runner.receive([command("a")]);
    expect(executed).toEqual([]);
    expect(await runner.drain(5_000)).toBe(true);
    expect(executed).toEqual(["a"]);
    expect(sent.filter((line) => line === "ack a")).toHaveLength(4);
  });

  it("drops a command the server no longer wants", async () => {
    const { runner, executed } = runWith({ ack: (id) => (id === "gone" ? { kind: "refused", code: "http_404", detail: "" } : { kind: "ok", status: id === "late" ? "expired" : "acknowledged" }) });
    runner.receive([command("gone"), command("late"), command("fine")]);
    expect(await runner.drain(5_000)).toBe(true);
    expect(executed).toEqual(["fine"]);
  });

  it("keeps a result until it is taken, gives up on one that is refused", async () => {
    let failures = 3;
    const { runner, sent } = runWith({ result: (id) => (id === "refused" ? { kind: "refused", code: "http_409", detail: "" } : failures-- > 0 ? LOST : OK) });
    runner.receive([command("a"), command("refused")]);
    expect(await runner.drain(5_000)).toBe(true);
    expect(sent.filter((line) => line === "success refused")).toHaveLength(1);
    expect(sent.filter((line) => line === "success a")).toHaveLength(4);
  });

  it("waits for a link, and goes on when it opens", async () => {
    const { runner, executed, sent, link } = runWith();
    link.open = false;
    runner.receive([command("a")]);
    expect(sent).toEqual([]);
    link.open = true;
    runner.flush();
    expect(await runner.drain(5_000)).toBe(true);
    expect(executed).toEqual(["a"]);
  });

  it("never executes again what a dead daemon had begun, and sends what it had finished", async () => {
    const journal = new Journal(path);
    for (const id of ["begun", "finished", "told", "waiting"]) journal.received(command(id));
    for (const id of ["begun", "finished", "told"]) journal.started(id);
    journal.done("finished", DONE);
    journal.done("told", DONE);
    journal.delivered("told");
    journal.close();
    const { runner, executed, sent } = runWith();
    runner.receive(["begun", "finished", "told", "waiting"].map(command));
    expect(await runner.drain(5_000)).toBe(true);
    expect(executed).toEqual(["waiting"]);
    expect(sent.filter((line) => !line.startsWith("ack")).sort()).toEqual(["failed begun", "success finished", "success told", "success waiting"]);
    expect(readJournalLines(readFileSync(path, "utf8")).get("begun")?.result).toEqual(INTERRUPTED);
  });

  it("turns a thrown error into a failed result", async () => {
    const { runner, sent } = runWith({ execute: () => Promise.reject(new Error("boom")) });
    runner.receive([command("a")]);
    await eventually("reported", () => sent.includes("failed a"));
  });

  it("acknowledges a new command at once while another still runs", async () => {
    let finish: (result: CommandResult) => void = () => undefined;
    const { runner, sent, executed } = runWith({ execute: (id) => (id === "long" ? new Promise((resolve) => (finish = resolve)) : Promise.resolve(DONE)) });
    runner.receive([command("long")]);
    await eventually("begun", () => executed.includes("long"));
    runner.receive([command("next")]);
    await eventually("acknowledged", () => sent.includes("ack next"));
    expect(executed).toEqual(["long"]);
    finish(DONE);
    expect(await runner.drain(5_000)).toBe(true);
    expect(executed).toEqual(["long", "next"]);
  });
});
