import { describe, expect, it } from "vitest";
import { compareDesigns, MONTH_SECONDS, priceOf } from "../../../bench/lib/cost-model.mjs";
import { renderBars } from "../../../bench/lib/plot.mjs";
import { cpuMsOf, treeOf } from "../../../bench/lib/process-tree.mjs";
import { median, percentile, spread, summarize } from "../../../bench/lib/stats.mjs";
import { renderMarkdown, renderTable, short } from "../../../bench/lib/table.mjs";
import { AnswerReader, requestText } from "../../../bench/load/http-connection.mjs";
import { ratiosTo } from "../../../bench/report.mjs";

describe("percentiles", () => {
  it("are values that were measured", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile([7], 0.01)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it("summarise numbers in any order, by size and not by text", () => {
    expect(summarize([100, 9, 20])).toEqual({ count: 3, p50: 20, p99: 100, max: 100 });
    expect(summarize([]).p99).toBeNaN();
  });

  it("takes the middle of an even number of values", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(spread([3, 1, 2])).toEqual({ min: 1, max: 3 });
  });
});

describe("tables", () => {
  it("align numbers to the right and text to the left", () => {
    expect(renderTable(["name", "per s"], [["a", "1,000"], ["long name", "9"]]).split("\n")).toEqual(["name       per s", "─────────  ─────", "a          1,000", "long name      9"]);
  });

  it("are the same in Markdown", () => {
    expect(renderMarkdown(["name", "per s"], [["a", "–"], ["b", "9"]])).toBe("| name | per s |\n|---|---:|\n| a | – |\n| b | 9 |");
  });

  it.each([
    [12_345.6, "12,346"],
    [45.67, "45.7"],
    [1.234, "1.23"],
    [0.1234, "0.123"],
    [0, "0.00"],
    [Number.NaN, "–"],
    [null, "–"],
  ])("writes %s as %s", (value, text) => expect(short(value)).toBe(text));
});

describe("the cost model", () => {
  it("multiplies by list prices", () => {
    expect(priceOf({ rows: 1e6 })).toBeCloseTo(1);
    expect(priceOf({ workerRequests: 1e6, objectRequests: 1e6 })).toBeCloseTo(0.45);
    expect(priceOf({ objectFrames: 20e6 })).toBeCloseTo(0.15);
    expect(priceOf({ activeSeconds: MONTH_SECONDS })).toBeCloseTo(4.147, 3);
  });

  it("finds a link cheaper than beats alone, and an object that holds the stream dearest", () => {
    const costs = compareDesigns({ cpuMsPerBeat: 0.5, rowsPerLinkedBeat: 0, rowsPerUnlinkedBeat: 1, silenceRows: 1 }).map(({ dollars }) => dollars);
    expect(costs).toHaveLength(6);
    expect([...costs].sort((a, b) => a - b)).toEqual(costs);
    expect(costs[0]).toBeLessThan(0.01);
  });

  it("charges rows of a linked beat when there are some", () => {
    const measured = { cpuMsPerBeat: 0.5, rowsPerLinkedBeat: 0, rowsPerUnlinkedBeat: 1, silenceRows: 3 };
    const dollarsOf = (rowsPerLinkedBeat: number): number => compareDesigns({ ...measured, rowsPerLinkedBeat })[2]?.dollars ?? 0;
    expect(dollarsOf(1) - dollarsOf(0)).toBeCloseTo(MONTH_SECONDS / 30 / 1e6);
  });
});

describe("ratios", () => {
  const result = { firstError: null, errors: 0, seconds: 1, done: 1, p50: 1, p99: 1, serverCpu: 1, generatorCpu: 0, memoryMb: 1, memoryKbEach: null, rowsEach: null, spent: null };

  it("compare the same scenario of the same run, and leave out what was not measured", () => {
    const results = [
      { ...result, server: "workerd", scenario: "beats only" as const, perSecond: 300, cpuMsEach: 0.5 },
      { ...result, server: "workerd", scenario: "socket" as const, perSecond: 900, cpuMsEach: 0.1 },
      { ...result, server: "postgres", scenario: "beats only" as const, perSecond: 600, cpuMsEach: 0.25 },
    ];
    expect(ratiosTo(results, "postgres")).toEqual([{ scenario: "beats only", server: "workerd", throughput: 0.5, cpu: 2 }]);
  });

  it("set a socket against the stream of a server without sockets", () => {
    const results = [
      { ...result, server: "workerd", scenario: "socket" as const, perSecond: 900, cpuMsEach: 0.1 },
      { ...result, server: "postgres", scenario: "http+sse" as const, perSecond: 600, cpuMsEach: 0.2 },
    ];
    expect(ratiosTo(results, "postgres")).toEqual([{ scenario: "socket (to http+sse)", server: "workerd", throughput: 1.5, cpu: 0.5 }]);
  });
});

describe("the generator's HTTP reader", () => {
  const read = (chunks: readonly string[]): { status: number; body: string }[] => {
    const answers: { status: number; body: string }[] = [];
    const reader = new AnswerReader({ onAnswer: (answer) => void answers.push(answer) });
    for (const chunk of chunks) reader.push(chunk);
    return answers;
  };

  it("reads answers with a length, wherever they are cut", () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n";
    const wanted = [{ status: 200, body: "hello" }, { status: 410, body: "" }];
    expect(read([text])).toEqual(wanted);
    expect(read([...text])).toEqual(wanted);
  });

  it("reads chunked answers, and hands a stream's chunks over as they come", () => {
    const text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    expect(read([...text])).toEqual([{ status: 200, body: "abc0123456789" }]);
    const seen: string[] = [];
    new AnswerReader({ onAnswer: () => undefined, onBody: (chunk) => void seen.push(chunk) }).push(text);
    expect(seen).toEqual(["abc", "0123456789"]);
  });

  it("writes requests whose length counts bytes", () => {
    expect(requestText({ method: "POST", path: "/a", host: "h:1", token: "t", body: '"é"' })).toBe('POST /a HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n"é"');
  });
});

describe("plots", () => {
  it("escape names and draw the largest value the longest", () => {
    const svg = renderBars({ title: "a < b", unit: "ms", bars: [{ group: "g", name: "x", value: 1 }, { group: "g", name: "y", value: 2 }], format: String });
    expect(svg).toContain("a &lt; b");
    const [x = 0, y = 0] = [...svg.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
    expect(y / x).toBeCloseTo(2, 1);
  });
});

describe.runIf(process.platform === "linux")("process trees", () => {
  it("hold the process itself, and count CPU that rises", () => {
    expect(treeOf(process.pid)[0]).toBe(process.pid);
    const before = cpuMsOf([process.pid]);
    const until = performance.now() + 60;
    while (performance.now() < until) Math.sqrt(until);
    expect(cpuMsOf([process.pid])).toBeGreaterThan(before);
    expect(treeOf(2 ** 22 + 1)).toEqual([]);
  });
});
