import { withTimeout } from "../core/backoff";
import { CliError, errorText } from "../core/errors";
import type { ApiClient } from "../core/http";
import { isObject, stringField, type JsonObject } from "../core/json";
import type { Logger } from "../core/log";
import type { HermesConfig } from "../core/config";
import type { Paths } from "../core/paths";
import { withLock } from "../daemon/lock";
import type { WatchEntry } from "../watch/watch-entry";
import { BOT_TIMINGS, type BotTimings } from "./bot-timings";
import { openShares, type BotRecord, type BotShare } from "./bot-record";
import { BotStore } from "./bot-store";
import { hermesLaunch, readRecoveryKey } from "./hermes";
import { whoAmI } from "./matrix";
import { OpenclawConfig, withoutAccount } from "./openclaw-config";
import { CODE_LIFE_MS, codeLabel, listPairedBots, Pairer, readPendingPairs, withError, type PendingPair } from "./pairing";

export interface BotManagerOptions {
  readonly paths: Paths;
  readonly api: ApiClient;
  readonly log: Logger;
  /** Matrix id of whoever is logged in. */
  readonly owner: string | null;
  readonly timings?: BotTimings;
  instanceId(): string;
  hermes(): HermesConfig;
  /** A bot came, changed or went: processes and beats follow. Settles when the processes have. Never rejects. */
  onChange(): Promise<void>;
  onBot(account: string, detail: string, ok: boolean): void;
}

const STOP_LIMIT_MS = 2_000;

export const TOKEN_DEAD = "the homeserver does not accept the bot's token (M_UNKNOWN_TOKEN); repair the bot in the console";

/** The bots of this machine while the daemon runs: takes new ones in, keeps their runtimes configured, lets lost ones go. */
export class BotManager {
  readonly store: BotStore;
  readonly pairer: Pairer;
  readonly openclaw = new OpenclawConfig();
  private readonly timings: BotTimings;
  private readonly stopper = new AbortController();
  /** Codes being worked on, and those that are through, so that an event and a poll do not do one twice. */
  private readonly codes = new Map<string, Promise<void>>();
  private readonly launches = new Map<string, { readonly key: string; readonly entry: WatchEntry; readonly image: string }>();
  private records: readonly BotRecord[];
  private stamp: string;
  private linked = false;
  private readonly nextAt = { poll: 0, tokens: 0, compare: 0, keys: 0 };
  private busy: Promise<void> | undefined;
  private expiring: Promise<void> | undefined;
  private sharing: Promise<void> = Promise.resolve();

  constructor(private readonly options: BotManagerOptions) {
    this.timings = options.timings ?? BOT_TIMINGS;
    this.store = new BotStore(options.paths.bots);
    this.records = this.store.list();
    this.stamp = this.store.stamp();
    this.hideSecrets();
    this.pairer = new Pairer({
      api: options.api,
      store: this.store,
      lockPath: options.paths.botsLock,
      openclaw: this.openclaw,
      owner: options.owner,
      retry: { baseMs: this.timings.retryBaseMs, capMs: this.timings.retryCapMs },
    });
  }

  /** The bots of this server and machine; records of another login are left alone. */
  list(): readonly BotRecord[] {
    return this.records.filter((record) => record.server === this.options.api.server);
  }

  find(botId: string): BotRecord | undefined {
    return this.list().find((record) => record.bot_id === botId);
  }

  /** The Hermes processes to run. A recovery key alone restarts none: it is for the next start. */
  entries(): WatchEntry[] {
    const wanted = this.list().filter((record) => record.runtime === "hermes");
    for (const account of this.launches.keys()) if (!wanted.some((record) => record.account === account)) this.launches.delete(account);
    return wanted.flatMap((record) => {
      const launch = this.launch({ ...record, recovery_key: null });
      if (!launch.ok) return [];
      const key = JSON.stringify(launch.entry);
      const before = this.launches.get(record.account);
      if (before?.key === key) return [before.entry];
      const real = this.launch(record);
      if (!real.ok) return [];
      this.launches.set(record.account, { key, entry: real.entry, image: real.image });
      return [real.entry];
    });
  }

  /** Why a bot's Hermes cannot be started, or null. */
  hermesProblem(record: BotRecord): string | null {
    const launch = this.launch(record);
    return launch.ok ? null : launch.text;
  }

  /** Lets the next start of a bot's Hermes see everything that is known now. */
  forgetLaunch(account: string): void {
    this.launches.delete(account);
  }

  /** A link opened: asks for what happened meanwhile. */
  linkUp(): void {
    this.linked = true;
    Object.assign(this.nextAt, { poll: 0, tokens: 0, compare: 0 });
    this.tick();
  }

  linkDown(): void {
    this.linked = false;
  }

  /** Ends waiting. What takes longer is done again by the next daemon: the records say how far it came. */
  async stop(): Promise<void> {
    this.stopper.abort();
    await withTimeout(Promise.allSettled([...this.codes.values(), this.busy, this.expiring]), STOP_LIMIT_MS);
  }

  handleEvent(type: string, data: JsonObject): void {
    if (type === "resync") this.linkUp();
    if (type === "pair") this.onPair(data);
    if (type === "bot.room.mode") void this.guard("room mode", () => this.setRoomMode(data));
  }

  /** Called every few seconds. */
  tick(): void {
    if (this.stopper.signal.aborted) return;
    this.noticeWrites();
    // Never behind a homeserver that takes its time.
    this.expiring ??= this.guard("share expiry", () => this.expireShares(Date.now())).finally(() => (this.expiring = undefined));
    this.busy ??= this.guard("upkeep", () => this.upkeep()).finally(() => (this.busy = undefined));
  }

  /** Changes a record under the lock and has its runtime follow; undefined when the bot is not here. */
  async change(account: string, edit: (record: BotRecord) => BotRecord, configure: boolean): Promise<BotRecord | undefined> {
    const { paths } = this.options;
    const changed = await withLock(paths.botsLock, async () => {
      const before = this.store.find(account);
      if (before === undefined) return undefined;
      const next = edit(before);
      if (next !== before) this.store.save(next);
      return next;
    });
    const record = changed === undefined || !configure ? changed : await this.pairer.configure(account);
    await this.reload();
    return record;
  }

  /** Takes fresh credentials; drops the bot when the server says it is not ours any more. Throws CliError. */
  async refresh(botId: string): Promise<BotRecord> {
    try {
      const record = await this.pairer.refresh(botId, this.options.instanceId());
      await this.reload();
      this.options.onBot(record.account, record.error ?? "has fresh credentials", record.error === null);
      return record;
    } catch (error) {
      const account = this.find(botId)?.account;
      if (account !== undefined && error instanceof CliError && isGone(error)) await this.drop(account, error.message);
      throw error;
    }
  }

  /** Fetches who may talk to the bots, and has told their runtimes when it settles. Throws CliError. */
  syncShares(): Promise<void> {
    return this.inTurn(() => this.fetchShares());
  }

  /** One after the other, or the second would see the first one's work on disk before the runtime has it. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.sharing.then(work);
    this.sharing = turn.catch(() => undefined);
    return turn;
  }

  private async fetchShares(): Promise<void> {
    if (this.list().length === 0) return;
    const raw = await this.options.api.call<unknown>("GET", "/api/v1/me/active-shares");
    const items = isObject(raw) && Array.isArray(raw["shares"]) ? raw["shares"].filter(isObject) : [];
    for (const record of this.list()) {
      const shares = items.flatMap((item): BotShare[] => {
        const userId = stringField(item, "shared_with_user_id");
        return item["bot_id"] !== record.bot_id || userId === undefined ? [] : [{ user_id: userId, expires_at: stringField(item, "expires_at") ?? null }];
      });
      await this.setShares(record, shares);
    }
  }

  private async setShares(record: BotRecord, shares: readonly BotShare[]): Promise<void> {
    if (JSON.stringify(shares) === JSON.stringify(record.shares)) return;
    await this.change(record.account, (now) => ({ ...now, shares, keeps_allow_list: now.keeps_allow_list || shares.length > 0 }), true);
    this.options.onBot(record.account, `${shares.length} ${shares.length === 1 ? "person" : "people"} besides its owner may talk to it`, true);
  }

  private async setRoomMode(data: JsonObject): Promise<void> {
    const record = this.find(stringField(data, "bot_id") ?? "");
    const room = stringField(data, "room_id");
    const mode = data["mode"];
    if (record === undefined || room === undefined) return;
    // A room that the bot left keeps no mode.
    if (mode !== "auto" && mode !== "mention") return;
    if (record.rooms[room] === mode) return;
    await this.change(record.account, (now) => ({ ...now, rooms: { ...now.rooms, [room]: mode } }), true);
  }

  private onPair(data: JsonObject): void {
    const code = stringField(data, "pair_code");
    const target = stringField(data, "target_instance_id");
    if (code === undefined || (target !== undefined && target !== this.options.instanceId())) return;
    this.take({ code, userId: stringField(data, "bot_user_id"), expiresAt: Date.now() + CODE_LIFE_MS });
  }

  /** One flight per code; one that is through is not tried again. */
  private take(pending: PendingPair): void {
    if (this.codes.has(pending.code)) return;
    const flight = this.guard("pairing", async () => {
      try {
        await this.pair(pending);
      } catch (error) {
        // The disk or the lock refused: the next poll offers the code again.
        this.codes.delete(pending.code);
        throw error;
      }
    });
    this.codes.set(pending.code, flight);
    const [oldest] = this.codes.keys();
    if (this.codes.size > 200 && oldest !== undefined) this.codes.delete(oldest);
  }

  private async pair(pending: PendingPair): Promise<void> {
    const { log, onBot } = this.options;
    const outcome = await this.pairer.pair(pending, this.options.instanceId(), this.stopper.signal);
    const code = codeLabel(pending.code);
    if (outcome.kind === "paired") {
      await this.reload();
      const { record } = outcome;
      onBot(record.account, record.error === null ? `paired as ${record.user_id} (${record.runtime})` : `paired, but: ${record.error}`, record.error === null);
      this.nextAt.compare = 0;
    } else if (outcome.kind === "gone") {
      log.debug("pair.gone", { pair: code });
    } else {
      log.warn("pair.failed", { pair: code, detail: outcome.text });
      // While the code lives the next poll offers it again.
      if (outcome.kind === "gave_up") this.codes.delete(pending.code);
    }
  }

  /** Everything that is due, one thing after the other; what fails comes again with its next turn. */
  private async upkeep(): Promise<void> {
    const now = Date.now();
    await this.collectRecoveryKeys(now);
    if (!this.linked) return;
    if (this.due("poll", now, this.timings.pollMs)) {
      await this.guard("pending pairs", () => this.poll());
      for (const record of this.list()) {
        if (!record.configured) await this.guard("configuring", () => this.finish(record));
        if (record.unclaimed_code !== null) await this.pairer.claim(record.account);
      }
      await this.reload();
    }
    if (this.list().length === 0) return;
    if (this.due("tokens", now, this.timings.tokenCheckMs)) await this.guard("token check", () => this.checkTokens());
    if (this.due("compare", now, this.timings.compareMs)) {
      await this.guard("roster", () => this.compareRoster());
      await this.guard("shares", () => this.syncShares());
    }
  }

  private due(what: keyof typeof this.nextAt, now: number, everyMs: number): boolean {
    if (now < this.nextAt[what]) return false;
    // A fleet that started together does not ask together for ever.
    this.nextAt[what] = now + everyMs * (0.8 + 0.4 * Math.random());
    return true;
  }

  private async poll(): Promise<void> {
    const raw = await this.options.api.call<unknown>("GET", `/api/v1/openclaw/pending-pairs?${new URLSearchParams({ instance_id: this.options.instanceId() }).toString()}`);
    for (const pending of readPendingPairs(raw, Date.now())) this.take(pending);
  }

  private async finish(record: BotRecord): Promise<void> {
    const next = await this.pairer.configure(record.account);
    if (next === undefined || next.error === record.error) return;
    this.options.onBot(record.account, next.error ?? "configured", next.error === null);
  }

  private async checkTokens(): Promise<void> {
    const answers = await Promise.all(this.list().map(async (record) => ({ record, answer: await whoAmI(record, this.stopper.signal) })));
    for (const { record, answer } of answers) {
      if (answer.kind === "token_dead" && record.error !== TOKEN_DEAD) {
        this.options.onBot(record.account, TOKEN_DEAD, false);
        await this.change(record.account, (now) => (now.access_token === record.access_token ? withError(now, TOKEN_DEAD, Date.now()) : now), false);
        // The usual reason is that it lives on another machine now.
        await this.guard("roster", () => this.compareRoster());
      } else if (answer.kind === "ok" && record.error === TOKEN_DEAD) {
        await this.change(record.account, (now) => ({ ...now, error: null, error_at: null }), false);
      }
    }
  }

  /** Bots that the server no longer puts on this machine are asked for once more by themselves, and dropped on a clear no. */
  private async compareRoster(): Promise<void> {
    const roster = new Set((await listPairedBots(this.options.api, this.options.instanceId())).map((bot) => bot.id));
    for (const { bot_id: botId } of this.list()) {
      if (botId === null || roster.has(botId)) continue;
      await this.refresh(botId).catch((error: unknown) => {
        if (!(error instanceof CliError)) throw error;
      });
    }
  }

  /** Forgets a bot that is not ours any more: credentials, account and process. */
  private async drop(account: string, why: string): Promise<void> {
    const { paths, log, onBot } = this.options;
    const record = this.store.find(account);
    if (record === undefined) return;
    await withLock(paths.botsLock, async () => {
      if (record.runtime === "openclaw") {
        const outcome = await this.openclaw.apply(withoutAccount(account), [record.access_token]);
        if (!outcome.ok) log.warn("bot.drop.config", { account, detail: outcome.text });
      }
      this.store.remove(account);
    });
    // Its Hermes ends first: what it writes while it ends goes too.
    await this.reload();
    this.store.removeRuntime(account);
    onBot(account, `is not on this machine any more (${why}): its credentials are deleted here`, false);
  }

  /** Ends shares by our own clock too: the server's word may come late. */
  private async expireShares(now: number): Promise<void> {
    for (const record of this.list()) {
      const open = openShares(record.shares, now);
      if (open.length !== record.shares.length) await this.inTurn(() => this.setShares(record, open));
    }
  }

  private async collectRecoveryKeys(now: number): Promise<void> {
    const waiting = this.list().filter((record) => record.runtime === "hermes" && !record.bootstrapped);
    for (const record of waiting) {
      const key = record.recovery_key ?? readRecoveryKey(this.store.runtimeFolder(record.account));
      if (key === undefined) continue;
      if (record.recovery_key === null) await this.change(record.account, (latest) => ({ ...latest, recovery_key: key }), false);
      if (!this.linked || record.bot_id === null || now < this.nextAt.keys) continue;
      this.nextAt.keys = now + this.timings.retryCapMs;
      await this.guard("recovery key", () => this.bootstrap(record, key));
    }
  }

  private async bootstrap(record: BotRecord, key: string): Promise<void> {
    const image = this.launches.get(record.account)?.image ?? null;
    await this.options.api.call("POST", `/api/v1/hermes/bots/${encodeURIComponent(record.bot_id ?? "")}/runtime-bootstrap`, { body: { recovery_key: key, image_ref: image } });
    await this.change(record.account, (latest) => ({ ...latest, bootstrapped: true }), false);
  }

  private launch(record: BotRecord): ReturnType<typeof hermesLaunch> {
    return hermesLaunch(record, this.options.hermes(), this.store.makeRuntimeFolder(record.account), Date.now());
  }

  /** Notices what `sett pair` wrote. */
  private noticeWrites(): void {
    if (this.store.stamp() !== this.stamp) void this.reload();
  }

  private async reload(): Promise<void> {
    this.stamp = this.store.stamp();
    const records = this.store.list();
    if (JSON.stringify(records) === JSON.stringify(this.records)) return;
    this.records = records;
    this.hideSecrets();
    await this.options.onChange();
  }

  private hideSecrets(): void {
    for (const { access_token: token, recovery_key: key } of this.records) {
      this.options.log.hide(token);
      if (key !== null) this.options.log.hide(key);
    }
  }

  /** Runs work whose failure must not end the daemon. */
  private async guard(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.options.log.warn("bots.failed", { what, detail: errorText(error) });
    }
  }
}

/** Whether a refusal says that the bot is not this machine's (any more). */
function isGone(error: CliError): boolean {
  return error.status !== undefined && [403, 404, 409].includes(error.status);
}
