import { requireBot, type CliBot } from "../bots/cli-bots";
import { Pairer, parseCode, readPendingPairs, CODE_LIFE_MS, type PairOutcome, type PendingPair } from "../bots/pairing";
import { BotStore } from "../bots/bot-store";
import { OpenclawConfig } from "../bots/openclaw-config";
import { CliError, EXIT, type ExitCode } from "../core/errors";
import type { ApiClient } from "../core/http";
import { isObject, numberField, stringField } from "../core/json";
import { findLockHolder } from "../daemon/lock";
import { requireClient, type CliContext } from "./context";

export interface PairOptions {
  readonly bot?: string;
}

/** How long `sett pair` waits for a server that cannot do it now; the daemon waits longer. */
const PATIENCE_MS = 30_000;

/** `sett pair`: with a code, with a bot's name, or everything that waits for this machine. */
export async function pair(context: CliContext, typed: string | undefined, options: PairOptions): Promise<ExitCode> {
  if (options.bot !== undefined) {
    if (typed !== undefined) throw new CliError(EXIT.usage, "give a code or --bot, not both", undefined, "usage");
    return pairBot(context, await requireBot(requireClient(context).api, options.bot));
  }
  if (typed === undefined) return pairWaiting(context);
  const code = parseCode(typed);
  if (code === undefined) throw new CliError(EXIT.usage, `"${typed}" is no pairing code`, "It looks like BCK-XXXX-XXXX.", "bad_code");
  return report(context, [await redeem(context, { code, userId: undefined, expiresAt: Date.now() + CODE_LIFE_MS })]);
}

/** Makes a code for a bot that only this machine may redeem, and redeems it. Throws CliError. */
export async function pairBot(context: CliContext, bot: CliBot): Promise<ExitCode> {
  const { api } = requireClient(context);
  const body = { bot_id: bot.id, target_instance_id: ownInstance(context) };
  const made = await api.call<unknown>("POST", "/api/v1/pairing/create", { body });
  const code = isObject(made) ? stringField(made, "code") : undefined;
  if (!isObject(made) || code === undefined) throw new CliError(EXIT.unreachable, "the server's pairing code cannot be read", undefined, "bad_answer");
  return report(context, [await redeem(context, { code, userId: bot.userId, expiresAt: Date.now() + (numberField(made, "expires_in") ?? CODE_LIFE_MS / 1000) * 1000 })]);
}

async function pairWaiting(context: CliContext): Promise<ExitCode> {
  const { api } = requireClient(context);
  const waiting = await listWaiting(api, ownInstance(context));
  const outcomes: PairOutcome[] = [];
  for (const pending of waiting) outcomes.push(await redeem(context, pending));
  // What came earlier and could not be configured then may work now.
  outcomes.push(...(await finishLeft(context)));
  if (outcomes.length === 0) {
    if (context.out.options.json) context.out.json({ event: "paired", bots: [] });
    else context.out.note("no bot waits for this machine: pair one in the console, or with sett pair --bot NAME");
    return EXIT.ok;
  }
  return report(context, outcomes);
}

async function listWaiting(api: ApiClient, instanceId: string): Promise<PendingPair[]> {
  const raw = await api.call<unknown>("GET", `/api/v1/openclaw/pending-pairs?${new URLSearchParams({ instance_id: instanceId }).toString()}`);
  return readPendingPairs(raw, Date.now());
}

async function finishLeft(context: CliContext): Promise<PairOutcome[]> {
  const { pairer, store } = tools(context);
  const outcomes: PairOutcome[] = [];
  for (const { account } of store.list().filter((record) => record.server === context.server && !record.configured)) {
    const record = await pairer.configure(account);
    if (record !== undefined) outcomes.push({ kind: "paired", record });
    await pairer.claim(account);
  }
  return outcomes;
}

async function redeem(context: CliContext, pending: PendingPair): Promise<PairOutcome> {
  const { pairer } = tools(context);
  const instanceId = ownInstance(context);
  return pairer.pair({ ...pending, expiresAt: Math.min(pending.expiresAt, Date.now() + PATIENCE_MS) }, instanceId);
}

/** One line per bot. Exit 5 when the server refused, 4 when it could not, 6 when a bot is here but its runtime is not ready. */
function report(context: CliContext, outcomes: readonly PairOutcome[]): ExitCode {
  const { out, paths } = context;
  const running = findLockHolder(paths.lock) !== undefined;
  let code: ExitCode = EXIT.ok;
  const bots: object[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === "gone") throw new CliError(EXIT.refused, outcome.text, "A code works once, and for ten minutes. See where the bot lives with: sett bot list", "pairing_code_invalid");
    if (outcome.kind === "refused") throw new CliError(EXIT.refused, outcome.text, undefined, outcome.code);
    if (outcome.kind === "gave_up") {
      const hint = outcome.code === "matrix_unavailable" ? "The server has no homeserver for bots, or cannot reach it. The code stays good for a while: run sett pair again." : "Run sett pair again in a moment.";
      throw new CliError(EXIT.unreachable, outcome.text, hint, outcome.code);
    }
    const { record } = outcome;
    if (record.error !== null) code = EXIT.problems;
    bots.push({ account: record.account, bot_id: record.bot_id, user_id: record.user_id, runtime: record.runtime, configured: record.configured, error: record.error });
    const mark = record.error === null ? out.errColors.green("✓") : out.errColors.yellow("!");
    out.note(`${mark} ${record.bot_name} (${record.user_id}) ${record.error === null ? "lives on this machine now" : `is here, but ${record.error}`}`);
    if (record.error === null && !running) out.note(`  ${out.errColors.dim(record.runtime === "hermes" ? "sett up starts its Hermes" : "sett up tells the server how it is")}`);
  }
  if (out.options.json) out.json({ event: "paired", bots });
  return code;
}

function tools(context: CliContext): { readonly pairer: Pairer; readonly store: BotStore } {
  const { auth, api } = requireClient(context);
  const store = new BotStore(context.paths.bots);
  return { store, pairer: new Pairer({ api, store, lockPath: context.paths.botsLock, openclaw: new OpenclawConfig(), owner: auth.user_id }) };
}

function ownInstance(context: CliContext): string {
  const id = requireClient(context).auth.instance_id;
  if (id === null) throw new CliError(EXIT.usage, "this machine is not registered yet", "Run sett up here first.", "no_instance");
  return id;
}
