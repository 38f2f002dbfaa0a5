import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createParser } from "eventsource-parser";
import { AppError } from "../../../src/kernel/errors/app-error";
import { MAX_BODY_BYTES, readJsonBody } from "../../../src/kernel/http/read-body";
import { bridgeToSse, reserveStream, toSseText } from "../../../src/kernel/sse/bridge";

/** What stands between bytes and values: bodies coming in, events going out. */

const refusal = async (work: Promise<unknown>): Promise<AppError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error("was not refused", { cause: error });
  return error;
};
const post = (body: BodyInit | null, headers: Record<string, string> = {}): Request => new Request("http://x/", { method: "POST", body, headers, ...(body instanceof ReadableStream ? { duplex: "half" } : {}) } as RequestInit);
const streamOf = (...parts: readonly Uint8Array[]): ReadableStream => {
  const waiting = [...parts];
  return new ReadableStream({
    pull(controller) {
      const part = waiting.shift();
      if (part) controller.enqueue(part);
      else controller.close();
    },
  });
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a JSON body", () => {
  it("comes back as it was sent, however it was cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.array(fc.nat(200), { maxLength: 5 }), async (value, cuts) => {
        const whole = bytes(JSON.stringify(value));
        const edges = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
        const parts = edges.slice(1).map((edge, i) => whole.slice(edges[i], edge));
        expect(await readJsonBody(post(streamOf(...parts)), MAX_BODY_BYTES)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 50 },
    );
  });

  it("that is missing or blank is undefined, and null is null", async () => {
    expect(await readJsonBody(post(null), 10)).toBeUndefined();
    expect(await readJsonBody(post(" \n "), 10)).toBeUndefined();
    expect(await readJsonBody(post("null"), 10)).toBeNull();
  });

  it("that is malformed is refused with the place", async () => {
    const error = await refusal(readJsonBody(post('{"a": }'), 100));
    expect(error.code).toBe("VALIDATION_ERROR");
    expect(error.issues).toEqual([{ loc: ["body", expect.any(Number)], msg: "JSON decode error", type: "json_invalid" }]);
  });

  it("is refused by what it says and by what it is, at the byte", async () => {
    expect((await readJsonBody(post(`"${"x".repeat(8)}"`), 10)) as string).toHaveLength(8);
    expect((await refusal(readJsonBody(post(`"${"x".repeat(9)}"`), 10))).code).toBe("PAYLOAD_TOO_LARGE");
    expect((await refusal(readJsonBody(post("{}", { "content-length": "11" }), 10))).code).toBe("PAYLOAD_TOO_LARGE");
    expect((await refusal(readJsonBody(post(`"${"é".repeat(5)}"`), 10))).code).toBe("PAYLOAD_TOO_LARGE");
  });

  it("without end is not read to the end", async () => {
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(1_000).fill(32));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect((await refusal(readJsonBody(post(endless), 5_000))).code).toBe("PAYLOAD_TOO_LARGE");
    expect(pulled).toBeLessThan(20);
    expect(cancelled).toBe(true);
  });
});

describe("a server-sent event", () => {
  it("reaches a standard parser as it was, whatever text it carries, and is one event", () => {
    fc.assert(
      fc.property(fc.nat(), fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (id, fields, named) => {
        const data = { ...fields, type: "machine.online" };
        const seen: { id: string | undefined; event: string | undefined; data: string }[] = [];
        const parser = createParser({ onEvent: (event) => seen.push({ id: event.id, event: event.event, data: event.data }) });
        parser.feed(toSseText(JSON.stringify({ id, data }), named));
        expect(seen).toHaveLength(1);
        expect(seen[0]).toMatchObject({ id: String(id), event: named ? "machine.online" : undefined });
        expect(JSON.parse(seen[0]?.data ?? "")).toEqual(JSON.parse(JSON.stringify(data)));
      }),
    );
  });

  it("has no id when nobody keeps it, so that a client resumes from one that is kept", () => {
    for (const message of [{ data: { type: "pair" } }, { id: null, data: { type: "pair" } }]) expect(toSseText(JSON.stringify(message), false)).toBe('data: {"type":"pair"}\n\n');
    expect(toSseText('{"id":0,"data":{}}', false)).toBe("id: 0\ndata: {}\n\n");
  });

  it("has no name without a type", () => {
    expect(toSseText('{"id":1,"data":{"a":1}}', true)).toBe('id: 1\ndata: {"a":1}\n\n');
  });
});

/** The object's end of a stream, as far as the bridge uses it. */
class FakeSocket extends EventTarget {
  readonly sent: string[] = [];
  closed = false;
  accept(): void {}
  send(text: string): void {
    if (this.closed) throw new Error("closed");
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
  say(data: string): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

describe("the bridge", () => {
  const open: Response[] = [];
  const bridge = (socket: FakeSocket, signal = new AbortController().signal, expiresAt: number | null = null) => {
    const response = bridgeToSse({ socket: socket as unknown as WebSocket, signal, named: false, expiresAt });
    open.push(response);
    return response;
  };
  const full = (max: number): boolean => {
    try {
      reserveStream(max);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: "OVERLOADED", status: 503, retryAfterSeconds: 5 });
      return true;
    }
  };
  afterEach(async () => {
    for (const response of open.splice(0)) if (!response.body?.locked) await response.body?.cancel();
  });

  it("writes its first bytes at once, then events, never the object's pongs", async () => {
    const socket = new FakeSocket();
    const response = bridge(socket);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const reader = response.body!.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value as Uint8Array);
    expect(await next()).toBe("retry: 2000\n: connected\n\n");
    socket.say("pong");
    socket.say('{"id":3,"data":{"type":"x"}}');
    expect(await next()).toBe('id: 3\ndata: {"type":"x"}\n\n');
    await reader.cancel();
    expect(socket.closed).toBe(true);
  });

  it("counts open streams and refuses the one too many, until one ends in any of three ways", async () => {
    expect(full(0)).toBe(true);
    const aborted = new AbortController();
    const sockets = [new FakeSocket(), new FakeSocket(), new FakeSocket()] as const;
    const [first] = [bridge(sockets[0]), bridge(sockets[1]), bridge(sockets[2], aborted.signal)];
    expect([full(3), full(4)]).toEqual([true, false]);
    await first?.body?.cancel();
    expect([full(2), full(3)]).toEqual([true, false]);
    sockets[1].dispatchEvent(new Event("close"));
    sockets[1].dispatchEvent(new Event("error"));
    expect([full(1), full(2)]).toEqual([true, false]);
    aborted.abort();
    expect(full(1)).toBe(false);
    expect(sockets.map((socket) => socket.closed)).toEqual([true, true, true]);
  });

  it("shows every ten seconds that it lives, and ends when the object's end is gone", async () => {
    vi.useFakeTimers();
    try {
      const socket = new FakeSocket();
      const reader = bridge(socket).body!.getReader();
      const next = async () => new TextDecoder().decode((await reader.read()).value as Uint8Array | undefined);
      await next();
      for (let i = 1; i <= 3; i++) {
        vi.advanceTimersByTime(10_000);
        expect(await next()).toBe(": keep-alive\n\n");
        expect(socket.sent).toEqual(Array.from({ length: i }, () => "ping"));
      }
      socket.closed = true;
      vi.advanceTimersByTime(10_000);
      await next();
      expect((await reader.read()).done).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends with the credential that opened it", async () => {
    vi.useFakeTimers();
    try {
      const socket = new FakeSocket();
      const reader = bridge(socket, undefined, Date.now() + 15_000).body!.getReader();
      const read: string[] = [];
      const reading = (async () => {
        for (let part = await reader.read(); !part.done; part = await reader.read()) read.push(new TextDecoder().decode(part.value as Uint8Array));
      })();
      await vi.advanceTimersByTimeAsync(20_000);
      await reading;
      expect(read).toEqual(["retry: 2000\n: connected\n\n", ": keep-alive\n\n"]);
      expect([socket.closed, vi.getTimerCount()]).toEqual([true, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("says what a passage makes of events, under their ids, until one is the last", async () => {
    const socket = new FakeSocket();
    const pass = (data: Readonly<Record<string, unknown>>) => ({ say: data["type"] === "noise" ? [] : [data, { type: "echo" }], ends: data["type"] === "last" });
    const response = bridgeToSse({ socket: socket as unknown as WebSocket, signal: new AbortController().signal, named: true, expiresAt: null, opening: [{ type: "now" }], pass });
    open.push(response);
    for (const type of ["noise", "a", "last", "late"]) socket.say(JSON.stringify({ id: 7, data: { type } }));
    const echo = 'id: 7\nevent: echo\ndata: {"type":"echo"}\n\n';
    expect(await response.text()).toBe(`retry: 2000\n: connected\n\nevent: now\ndata: {"type":"now"}\n\nid: 7\nevent: a\ndata: {"type":"a"}\n\n${echo}id: 7\nevent: last\ndata: {"type":"last"}\n\n${echo}`);
    expect(socket.closed).toBe(true);
  });

  it("ends after an opening that is all there is to say", async () => {
    const socket = new FakeSocket();
    const response = bridgeToSse({ socket: socket as unknown as WebSocket, signal: new AbortController().signal, named: false, expiresAt: null, opening: [{ type: "now" }], over: true });
    expect(await response.text()).toBe('retry: 2000\n: connected\n\ndata: {"type":"now"}\n\n');
    expect([socket.closed, full(1)]).toEqual([true, false]);
  });

  it("does not stay open for a client that left before it began", async () => {
    const socket = new FakeSocket();
    bridge(socket, AbortSignal.abort());
    await Promise.resolve();
    expect(socket.closed).toBe(true);
  });
});
