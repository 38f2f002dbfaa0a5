import { send, uniqueIp, uniqueName, type TestUser } from "./client";

/**
 * The published `badgerclaw` command line, versions 0.1.1 to 0.1.13, as far as the wire can tell: what it sends, what it reads, what it
 * puts up with. Faults of its own are kept. Source: the published packages.
 */

const API = "/api/v1/openclaw";
/** Closing statuses of eventsource 1.1.2 are all others. */
const RECONNECTS = new Set([500, 502, 503, 504]);

const base64Url = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const sha256 = async (text: string): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** `auth.json` */
interface SavedLogin {
  readonly access_token: string;
  readonly user_id: string;
  readonly instance_id: string;
  readonly expires_at: string;
}

/** What `openclaw config set channels.badgerclaw.accounts.NAME.…` was told. */
export interface PluginAccount {
  readonly userId: string;
  readonly accessToken: string;
  readonly homeserver: string;
  readonly encryption: boolean;
  readonly deviceId?: string;
}

interface PendingPair {
  readonly pair_code: string;
  readonly bot_name: string;
  readonly bot_user_id: string;
}

type Json = Readonly<Record<string, unknown>>;

async function bodyOf(response: Response): Promise<Json> {
  try {
    return (await response.json()) as Json;
  } catch {
    return {};
  }
}

export class PublishedCli {
  readonly #version: string;
  readonly #hostname: string;
  /** One machine, one address. */
  readonly #ip = uniqueIp();
  #login: SavedLogin | null = null;
  /** Plugin configuration, by the bot's name without `_bot`. */
  readonly accounts = new Map<string, PluginAccount>();
  /** What a person reads on the terminal. */
  readonly printed: string[] = [];
  /** Statuses of the streams it opened. */
  readonly opened: number[] = [];
  #lastEventId = "";

  constructor(version = "0.1.13", hostname = `${uniqueName("Den")}.Local`) {
    this.#version = version;
    this.#hostname = hostname;
  }

  #send(method: string, path: string, options: { readonly body?: unknown; readonly signedIn?: boolean; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Response> {
    const token = options.signedIn === false ? undefined : this.#login?.access_token;
    return send(method, path, { token, body: options.body, headers: { "cf-connecting-ip": this.#ip, ...options.headers } });
  }

  /** `openclaw-{host}-{16 hex}`: made here, never read from an answer. */
  async instanceId(): Promise<string> {
    const host = this.#hostname.toLowerCase().replace(/[^a-z0-9]/g, "-");
    return `openclaw-${host}-${hex(await sha256(`${this.#hostname}-linux-x64`)).slice(0, 16)}`;
  }

  /** `login`, with `browser` doing what the person does once the page is open. It never calls auth/start; the code is the bare challenge. */
  async login(browser: (code: string) => Promise<void>): Promise<void> {
    const verifier = base64Url(crypto.getRandomValues(new Uint8Array(32)));
    const challenge = base64Url(await sha256(verifier));
    const poll = async (): Promise<Json> => bodyOf(await this.#send("POST", `${API}/cli/auth/poll/${challenge}`, { signedIn: false, body: { code_verifier: verifier, code_challenge: challenge } }));
    // Two rounds of waiting: whatever the answer is, without a token it means "not yet".
    for (let round = 0; round < 2; round++) {
      if ((await poll())["access_token"]) throw new Error("a token came before anybody confirmed");
    }
    await browser(challenge);
    const answer = await poll();
    if (!answer["access_token"]) throw new Error("the login timed out");
    const instanceId = await this.instanceId();
    this.#login = { access_token: String(answer["access_token"]), user_id: answer["user_id"] as string, instance_id: instanceId, expires_at: answer["expires_at"] as string };
    await this.#register({});
    // On a number this throws, and the published one goes on polling until it gives up.
    const [, name = this.#login.user_id] = this.#login.user_id.match(/^@([^:]+):/) ?? [];
    this.printed.push(`Logged in as ${name}`);
  }

  /** The answer is not looked at, a refusal neither. */
  async #register(extra: Json): Promise<void> {
    await this.#send("POST", `${API}/register`, { body: { instance_id: this.#login?.instance_id, label: this.#hostname, version: this.#version, ...extra } }).catch(() => undefined);
  }

  /** What every `bot` command asks first. */
  get isLoggedIn(): boolean {
    return this.#login !== null && new Date(this.#login.expires_at).getTime() > Date.now();
  }

  get matrixId(): string | undefined {
    return this.#login?.user_id;
  }

  /** `bot list` */
  async listBots(): Promise<{ readonly name: string; readonly active: boolean }[]> {
    this.#requireLogin();
    const body = await bodyOf(await this.#send("GET", `${API}/bots`));
    return ((body["bots"] as { username: string; active?: boolean }[] | undefined) ?? []).map((bot) => ({ name: bot.username.replace(/_bot$/, ""), active: bot.active !== false }));
  }

  /** `bot create NAME` */
  async createBot(username: string): Promise<boolean> {
    this.#requireLogin();
    if (!/^[a-z0-9_]{4,20}$/.test(username)) throw new Error("refused before anything is sent");
    return this.#sayWhetherDone(await this.#send("POST", `${API}/bots`, { body: { username } }));
  }

  /** `bot delete NAME`, as it was typed. */
  async deleteBot(name: string): Promise<boolean> {
    this.#requireLogin();
    return this.#sayWhetherDone(await this.#send("DELETE", `${API}/bots/${name}`));
  }

  #requireLogin(): void {
    if (!this.isLoggedIn) throw new Error("Not logged in");
  }

  async #sayWhetherDone(response: Response): Promise<boolean> {
    if (response.ok) return true;
    // An object would print as [object Object].
    this.printed.push(`Error: ${String((await bodyOf(response))["error"])}`);
    return false;
  }

  /** One round of `watch` up to 0.1.7, and of `autopair`: everything in the list is redeemed. Answers how many there were. */
  async watchOnce(): Promise<number> {
    const response = await this.#send("GET", `${API}/pending-pairs`);
    const pairs = response.ok ? ((await response.json()) as PendingPair[]) : [];
    for (const pair of pairs) await this.#pair(pair);
    return pairs.length;
  }

  /** No credential, no machine: the code is all. */
  async #pair(pair: PendingPair): Promise<void> {
    const response = await this.#send("POST", "/api/v1/pairing/redeem", { signedIn: false, body: { code: pair.pair_code } });
    const body = await bodyOf(response);
    if (!response.ok) {
      this.printed.push(`Failed to pair ${pair.bot_name}: ${String(body["detail"])}`);
      return;
    }
    const { user_id: userId, access_token: accessToken, homeserver, device_id: deviceId } = body as Readonly<Record<string, string>>;
    const name = (userId ?? "").slice(1).split(":")[0]?.replace(/_bot$/, "") ?? "";
    for (const value of [userId, accessToken, homeserver, deviceId]) {
      // They stand in double quotes in a shell's command.
      if (value !== undefined && !/^[A-Za-z0-9@:/._-]+$/.test(value)) throw new Error(`a shell would not leave ${name}'s configuration as it is`);
    }
    this.accounts.set(name, { userId: String(userId), accessToken: String(accessToken), homeserver: String(homeserver), encryption: true, ...(deviceId ? { deviceId } : {}) });
    this.printed.push(`Paired ${String(body["bot_name"])}`);
    // Best effort, and sometimes twice.
    for (let time = 0; time < 2; time++) await this.#send("POST", `${API}/pending-pairs/${pair.pair_code}/claim`).catch(() => undefined);
  }

  /**
   * `watch` of 0.1.13: one connection of its event stream, read until `until` holds or the stream ends. Codes that come are redeemed as they
   * come. Answers whether it would connect again.
   */
  async watchStream(until: () => boolean): Promise<boolean> {
    const headers = { accept: "text/event-stream", "cache-control": "no-cache", ...(this.#lastEventId === "" ? {} : { "last-event-id": this.#lastEventId }) };
    const response = await this.#send("GET", `${API}/events`, { headers });
    this.opened.push(response.status);
    if (response.status !== 200) {
      await response.body?.cancel();
      return RECONNECTS.has(response.status);
    }
    if (!response.headers.get("content-type")?.startsWith("text/event-stream") || !response.body) throw new Error("this is no event stream");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!until()) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        await this.#onBlock(block);
        continue;
      }
      const { done, value } = await reader.read();
      if (done) return true;
      text += value;
    }
    await reader.cancel();
    return true;
  }

  async #onBlock(block: string): Promise<void> {
    let [event, data] = ["", ""];
    for (const line of block.split("\n")) {
      const [field = "", ...rest] = line.split(":");
      const value = rest.join(":").replace(/^ /, "");
      if (field === "event") event = value;
      if (field === "data") data += data === "" ? value : `\n${value}`;
      if (field === "id") this.#lastEventId = value;
    }
    // It listens to `message` alone: named events pass it by.
    if (event !== "" || data === "") return;
    const said = JSON.parse(data) as { readonly type?: string } & PendingPair;
    if (said.type === "pair") await this.#pair(said);
  }

  /** `logout`: errors are ignored, the file goes. */
  async logout(): Promise<void> {
    await this.#register({ online: false });
    this.#login = null;
  }
}

/** The signed-in browser confirms a CLI's login. */
export const confirmAs =
  (user: TestUser) =>
  async (code: string): Promise<void> => {
    const response = await send("POST", `${API}/cli/auth/callback`, { token: user.accessToken, body: { code, access_token: user.accessToken } });
    if (response.status !== 200) throw new Error(`the callback answered ${response.status}: ${await response.text()}`);
  };
