import { createHash } from "node:crypto";
import { Backoff, sleep } from "../core/backoff";
import { CliError, errorText, EXIT } from "../core/errors";
import { detailText, retryAfterMs, type ApiAnswer, type ApiClient } from "../core/http";
import { isObject, stringField } from "../core/json";
import { withLock } from "../daemon/lock";
import { accountName, newRecord, readCredentials, type BotRecord, type Credentials, type Runtime } from "./bot-record";
import type { BotStore } from "./bot-store";
import { accountPatch, type OpenclawConfig } from "./openclaw-config";

/** A code that waits for this machine. */
export interface PendingPair {
  readonly code: string;
  readonly userId: string | undefined;
  /** When it ends, ms. */
  readonly expiresAt: number;
}

export type PairOutcome =
  | { readonly kind: "paired"; readonly record: BotRecord }
  /** Redeemed by somebody else, used up or never there. */
  | { readonly kind: "gone"; readonly text: string }
  | { readonly kind: "refused"; readonly text: string; readonly code: string }
  /** The server could not do it while the code lived. */
  | { readonly kind: "gave_up"; readonly text: string; readonly code: string };

interface Trouble {
  readonly kind: "trouble";
  readonly text: string;
  readonly code: string;
  readonly waitMs: number | undefined;
  /** The server may have done it all the same. */
  readonly answerLost: boolean;
}

export interface PairerOptions {
  readonly api: ApiClient;
  readonly store: BotStore;
  readonly lockPath: string;
  readonly openclaw: OpenclawConfig;
  /** Matrix id of whoever is logged in here: the owner of the bots. */
  readonly owner: string | null;
  readonly retry?: { readonly baseMs: number; readonly capMs: number };
  readonly now?: () => number;
}

/** How long a code lives when nobody said. */
export const CODE_LIFE_MS = 600_000;
const RETRY = { baseMs: 1_000, capMs: 30_000 };

/** The text of a code that a person typed, or undefined when it cannot be one. Pure. */
export function parseCode(text: string): string | undefined {
  const code = text.trim().toUpperCase();
  return /^BCK-[A-Z0-9]{4}-[A-Z0-9]{4}$/.test(code) ? code : undefined;
}

/** The pending codes in a server's answer; malformed ones are left out. Pure. */
export function readPendingPairs(raw: unknown, now: number): PendingPair[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((item: unknown) => {
    const code = isObject(item) ? stringField(item, "pair_code") : undefined;
    if (!isObject(item) || code === undefined || code === "") return [];
    const seconds = typeof item["expires_in"] === "number" ? item["expires_in"] : CODE_LIFE_MS / 1000;
    return [{ code, userId: stringField(item, "bot_user_id"), expiresAt: now + seconds * 1000 }];
  });
}

/** A code as logs may name it. Pure. */
export const codeLabel = (code: string): string => codeHash(code).slice(0, 8);

const codeHash = (code: string): string => createHash("sha256").update(code).digest("hex");

/**
 * Brings bots to this machine: redeems a code, writes down what it gave, configures the runtime, tells the server.
 * A code works once, so the credentials are on disk before anything else happens; whoever dies in between finds them
 * there and goes on. The daemon and `sett pair` share this, and the lock keeps them apart.
 */
export class Pairer {
  private readonly now: () => number;

  constructor(private readonly options: PairerOptions) {
    this.now = options.now ?? Date.now;
  }

  /** Redeems, configures and claims. Server troubles are waited out while the code lives. Rejects only when the disk refuses. */
  async pair(pending: PendingPair, instanceId: string, signal?: AbortSignal): Promise<PairOutcome> {
    const outcome = await this.redeem(pending, instanceId, signal);
    if (outcome.kind !== "paired") return outcome;
    const { account, configured } = outcome.record;
    if (!configured) await this.configure(account);
    await this.claim(account);
    return { kind: "paired", record: this.options.store.find(account) ?? outcome.record };
  }

  /** Gives a runtime the credentials that wait on disk. The record as it is then, with the reason when it failed. */
  configure(account: string): Promise<BotRecord | undefined> {
    const { store, lockPath, openclaw } = this.options;
    return withLock(lockPath, async () => {
      const record = store.find(account);
      if (record === undefined) return undefined;
      // A Hermes takes its credentials from the daemon when it starts.
      const outcome = record.runtime === "hermes" ? { ok: true as const } : await openclaw.apply(accountPatch(record, this.now()), [record.access_token]);
      const next = outcome.ok ? { ...record, configured: true, error: null, error_at: null } : withError({ ...record, configured: false }, outcome.text, this.now());
      store.save(next);
      return next;
    });
  }

  /** Tells the server that the code did its work. It is told again later when that fails. */
  async claim(account: string): Promise<void> {
    const { api, store, lockPath } = this.options;
    const record = store.find(account);
    if (record === undefined || record.unclaimed_code === null) return;
    const code = record.unclaimed_code;
    try {
      const answer = await api.request("POST", `/api/v1/openclaw/pending-pairs/${encodeURIComponent(code)}/claim`);
      if (answer.status >= 500 || answer.status === 429 || answer.status === 401) return;
    } catch {
      return;
    }
    await withLock(lockPath, async () => {
      const now = store.find(account);
      if (now?.unclaimed_code === code) store.save({ ...now, unclaimed_code: null });
    });
  }

  /**
   * Fresh credentials for a bot that the server says is ours: after its token broke, or when the answer to a redeemed
   * code never arrived. Throws CliError with the server's refusal.
   */
  async refresh(botId: string, instanceId: string): Promise<BotRecord> {
    const { api, store, lockPath } = this.options;
    await withLock(lockPath, async () => {
      const before = store.list().find((record) => record.bot_id === botId);
      const answer = await api.call<unknown>("POST", `/api/v1/bots/${encodeURIComponent(botId)}/refresh-matrix-token`, { body: { device_id: before?.device_id ?? null } });
      const about = before ?? (await this.lookUp(botId));
      this.keep(answer, { bot_id: botId, bot_name: about.bot_name, runtime: about.runtime, owner: before?.owner ?? null, code: before?.unclaimed_code ?? null, instanceId });
    });
    const account = store.list().find((record) => record.bot_id === botId)?.account;
    const record = account === undefined ? undefined : await this.configure(account);
    if (record === undefined) throw new Error("the bot's credentials are not on disk any more");
    return record;
  }

  private async redeem(pending: PendingPair, instanceId: string, signal: AbortSignal | undefined): Promise<PairOutcome> {
    const backoff = new Backoff(this.options.retry ?? RETRY);
    let answerLost = false;
    for (;;) {
      // Between two tries others may have the lock.
      const outcome = await withLock(this.options.lockPath, () => this.redeemOnce(pending, instanceId, answerLost));
      if (outcome.kind !== "trouble") return outcome;
      answerLost ||= outcome.answerLost;
      const waitMs = Math.max(backoff.next(), outcome.waitMs ?? 0);
      if (signal?.aborted === true || this.now() + waitMs >= pending.expiresAt) return { kind: "gave_up", text: outcome.text, code: outcome.code };
      await sleep(waitMs, signal);
    }
  }

  private async redeemOnce(pending: PendingPair, instanceId: string, answerLost: boolean): Promise<PairOutcome | Trouble> {
    const { api, store } = this.options;
    // The other one of daemon and `sett pair` may have been quicker.
    const known = store.list().find((record) => record.code_hash === codeHash(pending.code) && record.server === api.server);
    if (known !== undefined) return { kind: "paired", record: known };
    let answer: ApiAnswer;
    try {
      answer = await api.request("POST", "/api/v1/pairing/redeem", { body: { code: pending.code, instance_id: instanceId } });
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return { kind: "trouble", text: errorText(error), code: error.code, waitMs: undefined, answerLost: true };
    }
    if (answer.status >= 200 && answer.status < 300) return { kind: "paired", record: this.keepRedeemed(answer.body, pending.code, instanceId) };
    if (answer.status === 400 && answerLost) return this.recover(pending, instanceId);
    // `conflict`: the same code or bot is being worked on right now.
    if (answer.status < 500 && answer.status !== 429 && answer.status !== 408 && codeOf(answer) !== "conflict") return refused(answer);
    return {
      kind: "trouble",
      text: detailText(answer.body) || `the server answered ${answer.status}`,
      code: codeOf(answer),
      waitMs: retryAfterMs(answer.headers.get("retry-after"), this.now()),
      // A 503 is said before anything is done; of other failures nobody knows.
      answerLost: answer.status !== 503 && answer.status !== 429,
    };
  }

  /** The code worked but its answer was lost: if the server says that the bot is on this machine, a refresh gives its token. */
  private async recover(pending: PendingPair, instanceId: string): Promise<PairOutcome> {
    const { api } = this.options;
    const gone: PairOutcome = { kind: "gone", text: "the code was used already" };
    try {
      const roster = await listPairedBots(api, instanceId);
      const bot = roster.find((item) => item.userId === pending.userId);
      if (pending.userId === undefined || bot === undefined) return gone;
      const answer = await api.call<unknown>("POST", `/api/v1/bots/${encodeURIComponent(bot.id)}/refresh-matrix-token`, { body: { device_id: null } });
      const record = this.keep(answer, { bot_id: bot.id, bot_name: bot.name, runtime: bot.runtime, owner: null, code: pending.code, instanceId });
      return { kind: "paired", record };
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return { kind: "refused", text: `the code was used, but its answer was lost (${error.message}); repair the bot in the console`, code: error.code };
    }
  }

  private keepRedeemed(body: unknown, code: string, instanceId: string): BotRecord {
    const raw = isObject(body) ? body : {};
    return this.keep(raw, {
      bot_id: stringField(raw, "bot_id") ?? null,
      bot_name: stringField(raw, "bot_name"),
      runtime: raw["runtime"] === "hermes" ? "hermes" : "openclaw",
      owner: stringField(raw, "owner_matrix_user_id") ?? null,
      code,
      instanceId,
    });
  }

  private keep(answer: unknown, about: { bot_id: string | null; bot_name: string | undefined; runtime: Runtime; owner: string | null; code: string | null; instanceId: string }): BotRecord {
    const { api, store, owner } = this.options;
    const credentials: Credentials | undefined = readCredentials(answer);
    const account = credentials === undefined ? undefined : accountName(credentials.user_id);
    if (credentials === undefined || account === undefined) throw new CliError(EXIT.refused, "the server's credentials cannot be used", "Update sett, or tell whoever runs the server.", "bad_credentials");
    const before = store.find(account);
    const record = newRecord(
      credentials,
      {
        account,
        server: api.server,
        instance_id: about.instanceId,
        bot_id: about.bot_id,
        bot_name: about.bot_name ?? account,
        runtime: about.runtime,
        owner: about.owner ?? before?.owner ?? (owner !== null && /^@.+:.+$/.test(owner) ? owner : null),
        code_hash: about.code === null ? (before?.code_hash ?? null) : codeHash(about.code),
        unclaimed_code: about.code,
        paired_at: before?.user_id === credentials.user_id && about.code === null ? before.paired_at : new Date(this.now()).toISOString(),
      },
      before,
    );
    store.save(record);
    return record;
  }

  private async lookUp(botId: string): Promise<{ readonly bot_name: string; readonly runtime: Runtime }> {
    const raw = await this.options.api.call<unknown>("GET", `/api/v1/bots/${encodeURIComponent(botId)}`);
    const bot = isObject(raw) ? raw : {};
    return { bot_name: stringField(bot, "bot_name") ?? botId, runtime: bot["runtime"] === "hermes" ? "hermes" : "openclaw" };
  }
}

/** The same record with a reason why it does not work. Pure. */
export function withError(record: BotRecord, text: string, now: number): BotRecord {
  if (record.error === text) return record;
  return { ...record, error: text, error_at: new Date(now).toISOString(), errors: record.errors + 1 };
}

export interface PairedBot {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly runtime: Runtime;
}

/** The bots that the server says are on a machine. Throws CliError. */
export async function listPairedBots(api: ApiClient, instanceId: string): Promise<PairedBot[]> {
  const raw = await api.call<unknown>("GET", `/api/v1/bots?${new URLSearchParams({ paired_to: instanceId }).toString()}`);
  if (!Array.isArray(raw)) throw new CliError(EXIT.unreachable, "the server's list of bots cannot be read", undefined, "bad_answer");
  return raw.flatMap((item: unknown) => {
    if (!isObject(item)) return [];
    const id = stringField(item, "id");
    const userId = stringField(item, "bot_user_id");
    return id === undefined || userId === undefined ? [] : [{ id, userId, name: stringField(item, "bot_name") ?? userId, runtime: item["runtime"] === "hermes" ? ("hermes" as const) : ("openclaw" as const) }];
  });
}

function refused(answer: ApiAnswer): PairOutcome {
  const text = detailText(answer.body) || `the server answered ${answer.status}`;
  const code = codeOf(answer);
  if (answer.status === 400 && code !== "instance_required") return { kind: "gone", text };
  return { kind: "refused", text, code };
}

function codeOf(answer: ApiAnswer): string {
  return (isObject(answer.body) ? stringField(answer.body, "code") : undefined) ?? `http_${answer.status}`;
}
