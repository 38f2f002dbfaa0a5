import { BotStore } from "../bots/bot-store";
import { fetchBots, plainName, readBot, requireBot, wireBot } from "../bots/cli-bots";
import { isObject, numberField, stringField, type JsonObject } from "../core/json";
import type { ExitCode } from "../core/errors";
import { formatAgo, formatDuration, formatTable } from "../core/output";
import { requireClient, type CliContext } from "./context";
import { pairBot } from "./pair";

export interface CreateBotOptions {
  readonly name?: string;
  readonly runtime: string;
  readonly pair?: boolean;
}

/** `sett bot list` */
export async function listBots(context: CliContext): Promise<void> {
  const { api } = requireClient(context);
  const { out } = context;
  const bots = await fetchBots(api);
  const here = new Set(localRecords(context).map((record) => record.user_id));
  if (out.options.json) return out.json({ bots: bots.map((bot) => ({ ...wireBot(bot), here: here.has(bot.userId) })) });
  if (bots.length === 0) return out.print("no bots yet: sett bot create NAME");
  const c = out.colors;
  const rows = bots.map((bot) => [
    plainName(bot.username),
    bot.name,
    bot.runtime,
    bot.active ? c.green("active") : c.yellow("off"),
    here.has(bot.userId) ? c.green("here") : bot.paired ? "elsewhere" : c.dim("nowhere"),
    c.dim(bot.userId),
  ]);
  for (const line of formatTable(["BOT", "NAME", "RUNTIME", "STATE", "LIVES", "MATRIX ID"].map((word) => c.dim(word)), rows)) out.print(line);
}

/** `sett bot create NAME` */
export async function createBot(context: CliContext, name: string, options: CreateBotOptions): Promise<ExitCode | void> {
  const { api } = requireClient(context);
  const { out } = context;
  const body = { username: plainName(name), ...(options.name === undefined ? {} : { name: options.name }), runtime: options.runtime };
  const bot = readBot(asObject(await api.call<unknown>("POST", "/api/v1/openclaw/bots", { body })));
  if (out.options.json) out.json({ event: "created", bot: wireBot(bot) });
  else out.note(`${out.errColors.green("✓")} made ${bot.name} (${bot.userId})`);
  if (options.pair === true) return pairBot(context, bot);
  out.note(`  ${out.errColors.dim(`Next: sett pair --bot ${plainName(bot.username)}`)}`);
}

/** `sett bot delete NAME` */
export async function deleteBot(context: CliContext, name: string): Promise<void> {
  const { api } = requireClient(context);
  const { out } = context;
  await api.call<unknown>("DELETE", `/api/v1/openclaw/bots/${encodeURIComponent(plainName(name))}`);
  if (out.options.json) out.json({ event: "deleted", name: plainName(name) });
  else out.note(`${out.errColors.green("✓")} deleted ${plainName(name)}; its name stays yours`);
}

/** `sett bot rooms NAME` */
export async function showBotRooms(context: CliContext, name: string): Promise<void> {
  const { api } = requireClient(context);
  const { out } = context;
  const bot = await requireBot(api, name);
  const raw = await api.call<unknown>("GET", `/api/v1/bots/${encodeURIComponent(bot.id)}/rooms`);
  const rooms = Array.isArray(raw) ? raw.filter(isObject) : [];
  if (out.options.json) return out.json({ bot: wireBot(bot), rooms });
  if (rooms.length === 0) return out.print(`${bot.name} is in no room`);
  const rows = rooms.map((room) => [stringField(room, "room_id") ?? "?", stringField(room, "mode") ?? "–", formatAgo(stringField(room, "created_at"), Date.now())]);
  for (const line of formatTable(["ROOM", "ANSWERS", "SINCE"].map((word) => out.colors.dim(word)), rows)) out.print(line);
}

/** `sett bot status NAME` */
export async function showBotStatus(context: CliContext, name: string): Promise<void> {
  const { api } = requireClient(context);
  const { out } = context;
  const bot = await requireBot(api, name);
  const detail = asObject(await api.call<unknown>("GET", `/api/v1/dashboard/bots/${encodeURIComponent(bot.id)}/status`));
  const record = localRecords(context).find((candidate) => candidate.user_id === bot.userId);
  if (out.options.json) {
    const local = record === undefined ? null : { configured: record.configured, paired_at: record.paired_at, runtime: record.runtime, shares: record.shares, error: record.error };
    return out.json({ bot: wireBot(bot), status: detail, here: local });
  }
  const c = out.colors;
  const status = stringField(detail, "status") ?? "unknown";
  const reason = stringField(detail, "failureReason") ?? stringField(detail, "lastError");
  out.print(`${c.bold(bot.name)}  ${bot.userId}  ${c.dim(bot.id)}`);
  out.print(`status   ${status === "running" ? c.green(status) : c.yellow(status)}${reason === undefined ? "" : `  ${reason}`}`);
  out.print(`pairing  ${stringField(detail, "pairingPhase") ?? "none"}${numberField(detail, "healthScore") === undefined ? "" : `, health ${numberField(detail, "healthScore") ?? 0}`}`);
  out.print(`runtime  ${bot.runtime}, up ${formatDuration((numberField(detail, "uptimeSeconds") ?? 0) * 1000)}, ${numberField(detail, "messagesSent") ?? 0} sent, ${numberField(detail, "errors") ?? 0} errors`);
  out.print(`here     ${record === undefined ? "no" : (record.error ?? (record.configured ? `since ${formatAgo(record.paired_at, Date.now())}` : "not configured yet"))}`);
}

function localRecords({ paths, server }: CliContext) {
  return new BotStore(paths.bots).list().filter((record) => record.server === server);
}

const asObject = (raw: unknown): JsonObject => (isObject(raw) ? raw : {});
