import { WebSocket } from "ws";
import type { Beat } from "../core/api-types";
import { detailText, retryAfterMs, type ApiClient } from "../core/http";
import { parseJson, stringField } from "../core/json";
import { withTimeout } from "../core/backoff";
import { fatalFromClose, fatalFromStatus, isTransientCode, parseCommand, parseServerFrame, type CommandResult, type ServerFrame } from "./frames";
import { OpenError, openFailureFromStatus, type Delivery, type Link, type LinkEnd, type LinkHooks, type LinkTimings } from "./link";

const MAX_FRAME_BYTES = 256 * 1024;
const UNREACHABLE = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH"]);

/** Opens the machine socket; resolves at the server's hello. Rejects with OpenError. */
export async function openSocketLink(
  api: ApiClient,
  instanceId: string,
  lastEventId: string | undefined,
  hooks: LinkHooks,
  timings: LinkTimings,
): Promise<Link> {
  const query = new URLSearchParams({ instance_id: instanceId });
  if (lastEventId !== undefined) query.set("last_event_id", lastEventId);
  const url = `${api.server.replace(/^http/, "ws")}/api/v1/openclaw/socket?${query.toString()}`;
  const socket = new WebSocket(url, {
    headers: api.authHeaders(),
    handshakeTimeout: timings.openMs,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES * 4,
  });
  const link = new SocketLink(socket, hooks, timings);
  await link.opened;
  return link;
}

class SocketLink implements Link {
  readonly transport = "socket" as const;
  readonly closed: Promise<LinkEnd>;
  readonly opened: Promise<void>;
  private end: (end: LinkEnd) => void = () => undefined;
  private hello: () => void = () => undefined;
  private failOpen: (error: OpenError) => void = () => undefined;
  private readonly answers = new Map<string, Array<(frame: ServerFrame | undefined) => void>>();
  private pingTimer: NodeJS.Timeout | undefined;
  private pongTimer: NodeJS.Timeout | undefined;
  private over = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly hooks: LinkHooks,
    private readonly timings: LinkTimings,
  ) {
    this.closed = new Promise((resolve) => (this.end = resolve));
    this.opened = new Promise((resolve, reject) => {
      this.hello = resolve;
      this.failOpen = reject;
    });
    const helloTimer = setTimeout(() => this.finish({ kind: "lost", detail: "no hello from the server" }), timings.openMs);
    void this.opened.then(
      () => clearTimeout(helloTimer),
      () => clearTimeout(helloTimer),
    );
    socket.on("message", (data, isBinary) => {
      if (!isBinary) this.receive(String(data));
    });
    socket.on("unexpected-response", (_request, response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text = (text + chunk).slice(0, 4096)));
      response.on("close", () => {
        const status = response.statusCode ?? 0;
        const detail = detailText(parseJson(text) ?? "");
        const retryMs = retryAfterMs(response.headers["retry-after"], Date.now());
        this.failOpen(new OpenError(openFailureFromStatus(status, detail, fatalFromStatus(status, detail), retryMs)));
        this.finish({ kind: "lost", detail: `refused with ${status}` });
      });
    });
    socket.on("error", (error) => {
      const code = "code" in error && typeof error.code === "string" ? error.code : "";
      this.failOpen(new OpenError({ kind: UNREACHABLE.has(code) ? "unreachable" : "unclear", detail: error.message || code }));
      this.finish({ kind: "lost", detail: error.message || code || "socket error" });
    });
    socket.on("close", (code, reason) => {
      const fatal = fatalFromClose(code);
      if (fatal !== undefined) this.failOpen(new OpenError({ kind: "fatal", detail: fatal.detail, fatal }));
      this.finish(fatal === undefined ? { kind: "lost", detail: closeText(code, reason.toString()) } : { kind: "fatal", fatal });
    });
  }

  async beat(beat: Beat): Promise<Delivery> {
    const answer = await this.ask("beat", { t: "beat", ...beat });
    return judge(answer);
  }

  async ack(id: string): Promise<Delivery> {
    return judge(await this.ask(`ack:${id}`, { t: "ack", id }));
  }

  async result(id: string, result: CommandResult): Promise<Delivery> {
    return judge(await this.ask(`result:${id}`, { t: "result", id, ...result }));
  }

  async goodbye(limitMs: number): Promise<void> {
    await withTimeout(Promise.race([this.ask("bye", { t: "bye" }), this.closed]), limitMs);
    this.close();
  }

  close(): void {
    this.finish({ kind: "lost", detail: "closed by this side" });
  }

  private receive(text: string): void {
    if (text === "pong") {
      clearTimeout(this.pongTimer);
      return;
    }
    const frame = parseServerFrame(text);
    if (frame === undefined) return;
    switch (frame.t) {
      case "hello":
        if (frame.beatMs !== undefined) this.hooks.onInterval(frame.beatMs);
        this.schedulePing();
        this.hello();
        return;
      case "event": {
        // The id is remembered after the command is in the journal: hooks.onCommands writes it before it returns.
        const type = stringField(frame.data, "type") ?? "unknown";
        const command = type === "command" ? parseCommand(frame.data) : undefined;
        if (command !== undefined) this.hooks.onCommands([command]);
        else this.hooks.onEvent(type, frame.data);
        this.hooks.onEventId(frame.id);
        return;
      }
      case "pace":
        this.hooks.onPace(frame.beatMs, frame.until);
        return;
      case "beat.ok":
        this.answer("beat", frame);
        this.hooks.onCommands(frame.commands);
        if (frame.contract !== undefined) this.hooks.onContract(frame.contract);
        return;
      case "ok":
      case "error":
        this.answer(frame.id === undefined ? this.keyWithoutId(frame.re) : `${frame.re}:${frame.id}`, frame);
    }
  }

  /** A frame refused as malformed is answered without its id; of a kind only one is in flight, so it is that one. */
  private keyWithoutId(re: string): string {
    if (this.answers.has(re)) return re;
    return [...this.answers.keys()].find((key) => key.startsWith(`${re}:`)) ?? re;
  }

  private answer(key: string, frame: ServerFrame): void {
    const waiting = this.answers.get(key);
    const first = waiting?.shift();
    if (waiting?.length === 0) this.answers.delete(key);
    first?.(frame);
  }

  /** Sends a frame and waits for its answer; undefined when the socket ended or no answer came in time. */
  private ask(key: string, frame: object): Promise<ServerFrame | undefined> {
    if (this.over || this.socket.readyState !== WebSocket.OPEN) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (answer: ServerFrame | undefined): void => {
        clearTimeout(timer);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        const waiting = this.answers.get(key)?.filter((other) => other !== settle) ?? [];
        if (waiting.length === 0) this.answers.delete(key);
        else this.answers.set(key, waiting);
        resolve(undefined);
      }, this.timings.answerMs);
      this.answers.set(key, [...(this.answers.get(key) ?? []), settle]);
      this.socket.send(JSON.stringify(frame));
    });
  }

  private schedulePing(): void {
    if (this.pingTimer !== undefined) return;
    this.pingTimer = setInterval(() => {
      if (this.socket.readyState !== WebSocket.OPEN) return;
      this.socket.send("ping");
      clearTimeout(this.pongTimer);
      this.pongTimer = setTimeout(() => this.finish({ kind: "lost", detail: "no pong: the socket is dead" }), this.timings.pongWaitMs);
    }, this.timings.pingMs);
  }

  private finish(end: LinkEnd): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.pingTimer);
    clearTimeout(this.pongTimer);
    const waiting = [...this.answers.values()].flat();
    this.answers.clear();
    for (const settle of waiting) settle(undefined);
    this.failOpen(new OpenError({ kind: "unclear", detail: end.kind === "lost" ? end.detail : end.fatal.detail }));
    this.end(end);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000);
    // A peer that is gone never completes the closing handshake.
    const kill = setTimeout(() => this.socket.terminate(), 1_000);
    kill.unref();
    this.socket.once("close", () => clearTimeout(kill));
  }
}

function judge(answer: ServerFrame | undefined): Delivery {
  if (answer === undefined) return { kind: "retry", detail: "no answer" };
  if (answer.t === "error") {
    return isTransientCode(answer.code) ? { kind: "retry", detail: answer.detail || answer.code } : { kind: "refused", code: answer.code, detail: answer.detail };
  }
  return { kind: "ok", status: answer.t === "ok" ? answer.status : undefined };
}

function closeText(code: number, reason: string): string {
  if (code === 1012) return "the server restarts";
  if (code === 1006) return "the connection broke";
  return `closed with ${code}${reason === "" ? "" : ` (${reason})`}`;
}
