import { createHash } from "node:crypto";
import type { FakeAnswer, FakeServer } from "./fake-server";

type Json = Record<string, unknown>;

interface FakeBot {
  readonly id: string;
  readonly name: string;
  readonly runtime: string;
  readonly userId: string;
  instance: string | null;
  token: string;
  device: string;
}

/** Bots, their codes and their homeserver, as the server's contract has them, on top of the small server. */
export class FakeBots {
  readonly bots = new Map<string, FakeBot>();
  readonly codes = new Map<string, { readonly bot: string; readonly target: string | null; state: "pending" | "redeemed" }>();
  readonly claims: string[] = [];
  readonly bootstraps: Json[] = [];
  readonly skills = new Map<string, string>();
  readonly left: Array<{ readonly token: string | undefined; readonly room: string }> = [];
  shares: Json[] = [];
  redeems = 0;
  /** Answers that a redeem meets before it works: a status, or "lost" (done, but the answer is gone). */
  readonly trouble: Array<number | "lost"> = [];
  /** What a refresh says instead of doing it. */
  refreshStatus: number | undefined;
  private made = 0;

  constructor(private readonly server: FakeServer) {
    const { token } = server;
    const route = (method: string, path: RegExp, answer: (body: Json, match: RegExpExecArray, url: URL, text: string) => FakeAnswer, open = false): void => {
      server.routes.push({
        method,
        path,
        answer: (request, match) => (open || request.token === token ? answer(request.body, match, request.url, request.text) : { status: 401, body: { detail: "token dead", code: "unauthorized" } }),
      });
    };
    route("POST", /^\/api\/v1\/pairing\/redeem$/, (body) => this.redeem(body), true);
    route("POST", /^\/api\/v1\/pairing\/create$/, (body) => {
      const code = this.addCode(String(body["bot_id"]), String(body["target_instance_id"]));
      return { status: 200, body: { code, expires_in: 600, bot_name: "x", bot_user_id: "x" } };
    });
    route("GET", /^\/api\/v1\/openclaw\/pending-pairs$/, (_body, _match, url) => {
      const mine = [...this.codes].filter(([, { state, target }]) => state === "pending" && (target === null || target === url.searchParams.get("instance_id")));
      return { status: 200, body: mine.map(([code, { bot }]) => ({ pair_code: code, bot_name: bot, bot_user_id: this.bot(bot).userId, expires_in: 600 })) };
    });
    route("POST", /^\/api\/v1\/openclaw\/pending-pairs\/([^/]+)\/claim$/, (_body, match) => {
      this.claims.push(String(match[1]));
      return { status: 204 };
    });
    route("GET", /^\/api\/v1\/openclaw\/bots$/, () => ({ status: 200, body: { bots: [...this.bots.values()].map(cliBot) } }));
    route("POST", /^\/api\/v1\/openclaw\/bots$/, (body) => {
      if (this.bots.has(String(body["username"]))) return { status: 409, body: { detail: "that name is taken", error: "that name is taken", code: "bot_name_taken" } };
      return { status: 201, body: cliBot(this.add(String(body["username"]), String(body["runtime"]), typeof body["name"] === "string" ? body["name"] : undefined)) };
    });
    route("DELETE", /^\/api\/v1\/openclaw\/bots\/([^/]+)$/, (_body, match) => {
      const gone = this.bots.delete(String(match[1]));
      return gone ? { status: 200, body: { success: true, message: "deleted" } } : { status: 404, body: { detail: "no such bot", error: "no such bot" } };
    });
    route("GET", /^\/api\/v1\/bots$/, (_body, _match, url) => ({ status: 200, body: [...this.bots.values()].filter((bot) => bot.instance === url.searchParams.get("paired_to")).map(botView) }));
    route("GET", /^\/api\/v1\/bots\/([^/]+)$/, (_body, match) => ({ status: 200, body: botView(this.byId(match)) }));
    route("GET", /^\/api\/v1\/bots\/([^/]+)\/rooms$/, () => ({ status: 200, body: [{ room_id: "!r:x.test", mode: "auto", created_at: "2026-01-01T00:00:00Z" }] }));
    route("GET", /^\/api\/v1\/dashboard\/bots\/([^/]+)\/status$/, (_body, match) => ({ status: 200, body: { botId: match[1], status: "running", pairingPhase: "live", healthScore: 100 } }));
    route("POST", /^\/api\/v1\/bots\/([^/]+)\/refresh-matrix-token$/, (body, match) => this.refresh(body, match));
    route("GET", /^\/api\/v1\/me\/active-shares$/, () => ({ status: 200, body: { shares: this.shares } }));
    route("POST", /^\/api\/v1\/hermes\/bots\/([^/]+)\/runtime-bootstrap$/, (body, match) => {
      this.bootstraps.push({ bot_id: match[1], ...body });
      return { status: 200, body: { bot_id: match[1], persisted: true } };
    });
    route("GET", /^\/api\/v1\/dashboard\/skills\/content\/([0-9a-f]+)$/, (_body, match) => {
      const content = this.skills.get(String(match[1]));
      return content === undefined ? { status: 404, body: { detail: "no such content" } } : { status: 200, bytes: Buffer.from(content) };
    });
    route("PUT", /^\/api\/v1\/dashboard\/skills\/content\/([0-9a-f]+)$/, (_body, match, _url, text) => {
      if (createHash("sha256").update(text).digest("hex") !== match[1]) return { status: 422, body: { detail: "another digest" } };
      this.skills.set(String(match[1]), text);
      return { status: 200, body: { stored: true } };
    });
    server.routes.push({ method: "GET", path: /^\/_matrix\/client\/v3\/account\/whoami$/, answer: ({ token: given }) => this.asBot(given, (bot) => ({ status: 200, body: { user_id: bot.userId } })) });
    server.routes.push({
      method: "POST",
      path: /^\/_matrix\/client\/v3\/rooms\/([^/]+)\/leave$/,
      answer: ({ token: given }, match) =>
        this.asBot(given, () => {
          this.left.push({ token: given, room: decodeURIComponent(String(match[1])) });
          return { status: 200, body: {} };
        }),
    });
  }

  add(name: string, runtime = "openclaw", display = name): FakeBot {
    const bot: FakeBot = { id: `id-${name}`, name: display, runtime, userId: `@${name}_bot:x.test`, instance: null, token: this.freshToken(), device: `DEV${name}` };
    this.bots.set(name, bot);
    return bot;
  }

  addCode(botId: string, target: string | null = null): string {
    const code = `BCK-AAAA-${String(this.codes.size + 2222)}`;
    const name = botId.replace(/^id-/, "");
    this.codes.set(code, { bot: name, target, state: "pending" });
    return code;
  }

  /** A bot with a code that waits, told to whoever listens. */
  offer(name: string, runtime = "openclaw"): { readonly bot: FakeBot; readonly code: string } {
    const bot = this.add(name, runtime);
    const code = this.addCode(bot.id);
    this.server.emit({ type: "pair", pair_code: code, bot_name: name, bot_user_id: bot.userId });
    return { bot, code };
  }

  bot(name: string): FakeBot {
    const bot = this.bots.get(name);
    if (bot === undefined) throw new Error(`no bot ${name}`);
    return bot;
  }

  freshToken(): string {
    this.made += 1;
    return `syt_SECRET_${this.made}_abcdefgh`;
  }

  private byId(match: RegExpExecArray): FakeBot {
    return this.bot(String(match[1]).replace(/^id-/, ""));
  }

  private redeem(body: Json): FakeAnswer {
    this.redeems += 1;
    const trouble = this.trouble.shift();
    if (typeof trouble === "number") return { status: trouble, body: { detail: "the homeserver is away", error: "the homeserver is away", code: "matrix_unavailable" } };
    const code = this.codes.get(String(body["code"]));
    if (code === undefined || code.state !== "pending") return { status: 400, body: { detail: "that code does not work", error: "that code does not work", code: "pairing_code_invalid" } };
    code.state = "redeemed";
    const bot = this.bot(code.bot);
    bot.instance = String(body["instance_id"]);
    bot.token = this.freshToken();
    if (trouble === "lost") return null;
    const owner = { owner_matrix_user_id: "@ada:x.test" };
    return { status: 200, body: { homeserver: `${this.server.url}/`, access_token: bot.token, user_id: bot.userId, bot_name: bot.name, device_id: bot.device, bot_id: bot.id, runtime: bot.runtime, ...owner } };
  }

  private refresh(body: Json, match: RegExpExecArray): FakeAnswer {
    const bot = this.byId(match);
    if (this.refreshStatus !== undefined) return { status: this.refreshStatus, body: { detail: "not yours", error: "not yours", code: "not_found" } };
    if (body["device_id"] !== null && body["device_id"] !== bot.device) return { status: 409, body: { detail: "another device", error: "another device", code: "device_mismatch" } };
    bot.token = this.freshToken();
    return { status: 200, body: { access_token: bot.token, device_id: bot.device, homeserver: this.server.url, user_id: bot.userId } };
  }

  private asBot(token: string | undefined, answer: (bot: FakeBot) => FakeAnswer): FakeAnswer {
    const bot = [...this.bots.values()].find((candidate) => candidate.token === token);
    return bot === undefined ? { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "unknown" } } : answer(bot);
  }
}

const cliBot = (bot: FakeBot): Json => ({ id: bot.id, name: bot.name, username: `${bot.id.replace(/^id-/, "")}_bot`, bot_user_id: bot.userId, active: true, runtime: bot.runtime, openclaw_connected: bot.instance !== null });
const botView = (bot: FakeBot): Json => ({ id: bot.id, bot_name: bot.name, bot_user_id: bot.userId, runtime: bot.runtime });
