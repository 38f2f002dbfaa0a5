import { env } from "cloudflare:workers";
import { accountFeedObject, instanceObject } from "../../durable-objects/stubs";
import type { ObjectBindings } from "../../src/kernel/context";
import { expectStatus, send, uniqueName, type TestUser } from "./client";

const bindings = env as unknown as ObjectBindings;

/** The object of a machine, for looking inside. */
export const objectOf = (user: TestUser, instanceId: string): DurableObjectStub => instanceObject(bindings, { userId: user.userId, instanceId }) as unknown as DurableObjectStub;
export const feedOf = (user: TestUser): DurableObjectStub => accountFeedObject(bindings, user.userId) as unknown as DurableObjectStub;

/** Registers a machine with a name of its own; answers its id. */
export async function registerMachine(user: TestUser, overrides: Readonly<Record<string, unknown>> = {}, token = user.accessToken): Promise<string> {
  const body = { instance_id: uniqueName("openclaw-"), label: "den", version: "1.0.0", ...overrides };
  const answer = await expectStatus<{ instance_id: string }>(200, "POST", "/api/v1/openclaw/register", { token, body });
  return answer.instance_id;
}

/** A heartbeat as a healthy machine sends it. */
export const beatOf = (instanceId: string, overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  instance_id: instanceId,
  hostname: "den.local",
  os: "linux",
  arch: "x64",
  cli_version: "0.1.0",
  mem_free_mb: 1_024,
  mem_total_mb: 4_096,
  load1: 0.5,
  cpu_count: 2,
  uptime_seconds: 60,
  gateway_status: "running",
  gateway_pid: 4_711,
  bots: [],
  ...overrides,
});

export interface Beat {
  readonly ok: boolean;
  readonly pending_commands: readonly { id: string; command_type: string; payload: unknown }[];
}

export const beat = (token: string, instanceId: string, overrides: Readonly<Record<string, unknown>> = {}): Promise<Beat> =>
  expectStatus<Beat>(200, "POST", "/api/v1/dashboard/heartbeat", { token, body: beatOf(instanceId, overrides) });

/** One server-sent event as a client sees it. */
export interface SeenEvent {
  readonly id: number | null;
  readonly event: string | null;
  readonly data: Record<string, unknown>;
}

/** A client of a stream: reads events one by one, like `EventSource` does. */
export class StreamClient {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #buffer = "";
  /** Everything that came, comments and `retry` lines included. */
  raw = "";

  private constructor(response: Response) {
    this.response = response;
    if (!response.body) throw new Error("the stream has no body");
    this.#reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  static async open(path: string, token: string | undefined, headers: Readonly<Record<string, string>> = {}): Promise<StreamClient> {
    const response = await send("GET", path, { token, headers });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return new StreamClient(response);
  }

  /** The next event; null when the stream ends. */
  async next(): Promise<SeenEvent | null> {
    for (;;) {
      const end = this.#buffer.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        const event = parseBlock(block);
        if (event) return event;
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      const text = this.#decoder.decode(value, { stream: true });
      this.raw += text;
      this.#buffer += text;
    }
  }

  /** Reads until an event of `type` comes. */
  async until(type: string, matches: (data: Record<string, unknown>) => boolean = () => true): Promise<SeenEvent> {
    for (;;) {
      const event = await this.next();
      if (!event) throw new Error(`the stream ended before ${type}`);
      if (event.data["type"] === type && matches(event.data)) return event;
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function parseBlock(block: string): SeenEvent | null {
  const fields = new Map(block.split("\n").filter((line) => !line.startsWith(":")).map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const));
  const data = fields.get("data");
  if (data === undefined) return null;
  const id = fields.get("id");
  return { id: id === undefined ? null : Number(id), event: fields.get("event") ?? null, data: JSON.parse(data) as Record<string, unknown> };
}

/** A daemon's end of the machine socket. */
export class SocketClient {
  readonly #socket: WebSocket;
  readonly #frames: Record<string, unknown>[] = [];
  readonly #waiting: (() => void)[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.accept();
    socket.addEventListener("message", ({ data }) => {
      this.#frames.push(data === "pong" ? { t: "pong" } : (JSON.parse(String(data)) as Record<string, unknown>));
      this.#wake();
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  static async open(instanceId: string, token: string, lastEventId?: number): Promise<SocketClient> {
    const resume = lastEventId === undefined ? "" : `&last_event_id=${lastEventId}`;
    const response = await send("GET", `/api/v1/openclaw/socket?instance_id=${encodeURIComponent(instanceId)}${resume}`, { token, headers: { upgrade: "websocket" } });
    if (!response.webSocket) throw new Error(`the socket answered ${response.status}: ${await response.text()}`);
    return new SocketClient(response.webSocket);
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  close(code = 1000): void {
    this.#socket.close(code, "test");
  }

  /** The next frame of kind `t` (others before it are dropped). */
  async until(t: string): Promise<Record<string, unknown>> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame?.["t"] === t) return frame;
      if (frame) continue;
      if (this.closed) throw new Error(`the socket closed with ${this.closed.code} before ${t}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async untilClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    while (!this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.closed;
  }
}
