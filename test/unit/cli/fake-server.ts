import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

type Json = Record<string, unknown>;

export interface FakeCommand {
  readonly id: string;
  readonly command_type: string;
  readonly payload: Json;
  status: string;
  acks: number;
  readonly results: Json[];
}

export interface FakeRequest {
  readonly body: Json;
  readonly text: string;
  readonly url: URL;
  readonly token: string | undefined;
}

/** An answer, or null to break the connection without one. */
export type FakeAnswer = { readonly status: number; readonly body?: unknown; readonly bytes?: Uint8Array; readonly headers?: Record<string, string> } | null;

/** A small server that speaks live-wire as written, with switches for what goes wrong. */
export class FakeServer {
  readonly token = "test-token-0123456789";
  readonly beats: Json[] = [];
  readonly registers: Json[] = [];
  readonly socketQueries: string[] = [];
  readonly streamRequests: Array<{ readonly lastEventId: string | undefined }> = [];
  readonly commands = new Map<string, FakeCommand>();
  byes = 0;
  disconnects = 0;
  pings = 0;
  /** Refuse the upgrade with this status. */
  socketStatus: number | undefined;
  streamStatus: number | undefined;
  registerStatus: number | undefined;
  heartbeatStatus: number | undefined;
  answerPings = true;
  /** Take results without answering, as if the answer was lost. */
  loseResults = false;
  mintedInstance: string | undefined;
  loginReady = false;
  /** The contract that answers to beats name. */
  contract: { readonly id: string; readonly revision: number } | undefined;
  seq = 0;
  port = 0;
  /** Further answers, tried before the built-in ones: a method and a path's pattern. */
  readonly routes: Array<{ readonly method: string; readonly path: RegExp; answer(request: FakeRequest, match: RegExpExecArray): FakeAnswer }> = [];
  readonly requests: Array<FakeRequest & { readonly method: string }> = [];
  private http: Server | undefined;
  private sockets = new Set<WebSocket>();
  private streams = new Set<ServerResponse>();
  private readonly wss = new WebSocketServer({ noServer: true });

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get linked(): boolean {
    return this.sockets.size > 0;
  }

  get streaming(): boolean {
    return this.streams.size > 0;
  }

  /** Listens; a second start uses the port of the first, like a server that was restarted. */
  async start(): Promise<void> {
    const http = createServer((request, response) => void this.serve(request, response));
    http.on("upgrade", (request, socket, head) => {
      const status = request.headers.authorization === `Bearer ${this.token}` ? this.socketStatus : 401;
      if (status !== undefined) {
        const body = JSON.stringify({ detail: `refused ${status}` });
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
        return;
      }
      this.socketQueries.push(new URL(request.url ?? "/", "http://x").search);
      this.wss.handleUpgrade(request, socket, head, (ws) => this.accept(ws));
    });
    await new Promise<void>((resolve) => http.listen(this.port, "127.0.0.1", resolve));
    this.port = (http.address() as AddressInfo).port;
    this.http = http;
  }

  /** Goes away without a word, like a killed process. */
  async kill(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.sockets.clear();
    this.streams.clear();
    const http = this.http;
    this.http = undefined;
    http?.closeAllConnections();
    await new Promise<void>((resolve) => (http === undefined ? resolve() : http.close(() => resolve())));
  }

  closeSockets(code: number): void {
    for (const socket of this.sockets) socket.close(code);
  }

  dropLinks(): void {
    for (const socket of this.sockets) socket.terminate();
    for (const stream of this.streams) stream.destroy();
  }

  sendAll(frame: Json): void {
    for (const socket of this.sockets) socket.send(JSON.stringify(frame));
  }

  addCommand(id: string, type: string, payload: Json = {}): FakeCommand {
    const command: FakeCommand = { id, command_type: type, payload, status: "pending", acks: 0, results: [] };
    this.commands.set(id, command);
    return command;
  }

  /** Delivers a command by the event log, whether or not it was delivered before. */
  deliver(command: FakeCommand): void {
    this.seq += 1;
    const data = { type: "command", ...wire(command) };
    this.sendAll({ t: "event", id: this.seq, data });
    for (const stream of this.streams) stream.write(`id: ${this.seq}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Sends an event that is no command. */
  emit(data: Json): void {
    this.seq += 1;
    this.sendAll({ t: "event", id: this.seq, data });
    for (const stream of this.streams) stream.write(`id: ${this.seq}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private governed(): Json {
    return this.contract === undefined ? {} : { contract: this.contract };
  }

  private pending(): Json[] {
    return [...this.commands.values()].filter((command) => command.status === "pending").map(wire);
  }

  private accept(ws: WebSocket): void {
    this.sockets.add(ws);
    ws.on("close", () => this.sockets.delete(ws));
    ws.on("message", (data) => this.frame(ws, String(data)));
    ws.send(JSON.stringify({ t: "hello", seq: this.seq, beat_ms: 900_000, server_time: new Date().toISOString() }));
    for (const command of this.commands.values()) if (command.status === "pending") this.deliver(command);
  }

  private frame(ws: WebSocket, text: string): void {
    const send = (frame: Json): void => ws.send(JSON.stringify(frame));
    if (text === "ping") {
      this.pings += 1;
      if (this.answerPings) ws.send("pong");
      return;
    }
    const frame = JSON.parse(text) as Json;
    if (frame["t"] === "beat") {
      this.beats.push(frame);
      send({ t: "beat.ok", pending_commands: this.pending(), ...this.governed() });
    } else if (frame["t"] === "bye") {
      this.byes += 1;
      send({ t: "ok", re: "bye" });
      ws.close(1000);
    } else if (frame["t"] === "ack" || frame["t"] === "result") {
      const answer = this.take(frame["t"], String(frame["id"]), frame);
      if (answer === "lost") return;
      if (answer === undefined) send({ t: "error", re: frame["t"], id: frame["id"], code: "command_not_found", detail: "no such command" });
      else send({ t: "ok", re: frame["t"], id: frame["id"], status: answer.status });
    }
  }

  private take(kind: "ack" | "result", id: string, body: Json): FakeCommand | "lost" | undefined {
    const command = this.commands.get(id);
    if (command === undefined) return undefined;
    if (kind === "ack") {
      command.acks += 1;
      if (command.status === "pending") command.status = "acknowledged";
      return command;
    }
    if (this.loseResults) return "lost";
    command.results.push({ status: body["status"], result: body["result"], new_version: body["new_version"] });
    command.status = String(body["status"]);
    return command;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const isJson = request.headers["content-type"]?.includes("json") === true;
    const body = (text === "" || !isJson ? {} : JSON.parse(text)) as Json;
    const told: FakeRequest = { body, text, url, token: request.headers.authorization?.replace(/^Bearer /, "") };
    this.requests.push({ ...told, method: request.method ?? "GET" });
    for (const route of this.routes) {
      const match = route.method === request.method ? route.path.exec(url.pathname) : null;
      if (match === null) continue;
      const said = route.answer(told, match);
      if (said === null) return void response.destroy();
      response.writeHead(said.status, { "content-type": said.bytes === undefined ? "application/json" : "application/octet-stream", ...said.headers });
      return void response.end(said.bytes ?? (said.body === undefined ? "" : JSON.stringify(said.body)));
    }
    const answer = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(value));
    };
    const path = url.pathname;
    if (path.startsWith("/health")) return answer(200, { status: "ok" });
    if (path === "/api/v1/openclaw/cli/auth/start") return answer(200, { auth_url: `${this.url}/cli-auth?code=abc`, code: "abc" });
    if (path.startsWith("/api/v1/openclaw/cli/auth/poll/")) {
      if (!this.loginReady) return answer(200, { status: "pending" });
      return answer(200, { status: "complete", access_token: this.token, user_id: "@ada:test", expires_at: "2099-01-01T00:00:00Z", instance_id: null });
    }
    if (request.headers.authorization !== `Bearer ${this.token}`) return answer(401, { detail: "token dead", error: "token dead" });
    if (path === "/api/v1/openclaw/register") {
      this.registers.push(body);
      if (this.registerStatus !== undefined) return answer(this.registerStatus, { detail: "trial_abuse" });
      const { instance_id: id, label, version } = body;
      return answer(200, { instance_id: this.mintedInstance ?? id, label, version, online: body["online"] });
    }
    if (path === "/api/v1/openclaw/status") return answer(200, this.registers.map((item) => ({ instance_id: item["instance_id"], label: item["label"], version: "1", online: true })));
    if (path === "/api/v1/openclaw/socket") return answer(this.socketStatus ?? 426, { detail: "upgrade" });
    if (path === "/api/v1/openclaw/events") return this.stream(request, response, answer);
    if (path === "/api/v1/dashboard/heartbeat") {
      if (this.heartbeatStatus !== undefined) return answer(this.heartbeatStatus, { detail: "no" });
      this.beats.push(body);
      return answer(200, { ok: true, pending_commands: this.pending(), ...this.governed() }, { "x-beat-interval": "30" });
    }
    if (path === "/api/v1/dashboard/disconnect") {
      this.disconnects += 1;
      return answer(200, { ok: true });
    }
    if (path === "/api/v1/dashboard/machines") {
      const machines = this.registers.slice(-1).map((item) => ({ instanceId: item["instance_id"], label: item["label"], isOnline: true, reachable: true, link: "socket", gatewayStatus: "running", hasOpenclaw: false, hasHermes: false, botCount: 0, bots: [] }));
      return answer(200, { machines });
    }
    if (path === "/api/v1/dashboard/gateway/restart") {
      this.deliver(this.addCommand(`restart-${this.commands.size + 1}`, "restart_gateway"));
      return answer(200, { ok: true, message: "queued" });
    }
    const act = /^\/api\/v1\/dashboard\/commands\/([^/]+)\/(ack|result)$/.exec(path);
    if (act !== null) {
      const taken = this.take(act[2] === "ack" ? "ack" : "result", act[1] ?? "", body);
      if (taken === "lost") return void response.destroy();
      return taken === undefined ? answer(404, { detail: "no such command" }) : answer(200, { id: taken.id, status: taken.status, commandType: taken.command_type });
    }
    if (path.startsWith("/api/v1/dashboard/commands/")) {
      return answer(200, [...this.commands.values()].map((command) => ({ id: command.id, commandType: command.command_type, status: command.status, result: command.results[0]?.["result"] ?? null })));
    }
    answer(404, { detail: "not found" });
  }

  private stream(request: IncomingMessage, response: ServerResponse, answer: (status: number, value: unknown) => void): void {
    if (this.streamStatus !== undefined) return answer(this.streamStatus, { detail: "no streams" });
    this.streamRequests.push({ lastEventId: request.headers["last-event-id"] as string | undefined });
    response.writeHead(200, { "content-type": "text/event-stream", "x-beat-interval": "300" });
    response.write("retry: 2000\n: hello\n\n");
    this.streams.add(response);
    response.on("close", () => this.streams.delete(response));
    for (const command of this.commands.values()) if (command.status === "pending") this.deliver(command);
  }
}

function wire(command: FakeCommand): Json {
  return { id: command.id, command_type: command.command_type, payload: command.payload };
}
