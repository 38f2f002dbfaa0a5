import { CliError, errorText } from "../core/errors";
import { refusal, type ApiClient } from "../core/http";
import { stringField, type JsonObject } from "../core/json";
import type { Command, CommandResult } from "../link/frames";
import type { BotRecord } from "./bot-record";
import type { BotManager } from "./bot-manager";
import { leaveRoom } from "./matrix";
import { digestOf, isSkillName, SKILL_BYTES_MAX, unpackSkill } from "./skill-bundle";
import type { SkillFolder } from "./skill-folder";

/** Commands about bots and skills that this daemon can do. */
export const BOT_COMMANDS = ["bot_refresh", "bot_share_notify", "bot_share_revoked", "leave_room", "install_skill", "export_skill"] as const;
type BotCommand = (typeof BOT_COMMANDS)[number];

export const isBotCommand = (type: string): type is BotCommand => BOT_COMMANDS.some((known) => known === type);

export interface BotCommandContext {
  readonly bots: BotManager;
  readonly skills: SkillFolder;
  readonly api: ApiClient;
  /** Whether a bot's runtime answers now, and a sentence about it. Waits for a Hermes to settle. */
  settled(record: BotRecord): Promise<{ readonly ok: boolean; readonly text: string }>;
}

/** Does one of them. A refusal of the server is a failed result with its sentence. */
export async function executeBotCommand(type: BotCommand, { payload }: Command, context: BotCommandContext): Promise<CommandResult> {
  try {
    switch (type) {
      case "bot_refresh":
        return await refreshBot(payload, context);
      case "bot_share_notify":
      case "bot_share_revoked":
        return await syncShares(payload, context);
      case "leave_room":
        return await leave(payload, context);
      case "install_skill":
        return await installSkill(payload, context);
      case "export_skill":
        return await exportSkill(payload, context);
    }
  } catch (error) {
    if (error instanceof CliError) return failed(error.message);
    throw error;
  }
}

async function refreshBot(payload: JsonObject, { bots, settled }: BotCommandContext): Promise<CommandResult> {
  const botId = stringField(payload, "bot_id");
  if (botId === undefined || botId === "") return failed("payload.bot_id must be a text");
  const record = await bots.refresh(botId);
  if (record.error !== null) return failed(record.error);
  const state = await settled(record);
  return state.ok ? done(`${record.account} has fresh credentials; ${state.text}`) : failed(`${record.account} has fresh credentials, but ${state.text}`);
}

/** The server's list is the truth; what the command says is only that it changed. */
async function syncShares(payload: JsonObject, { bots }: BotCommandContext): Promise<CommandResult> {
  const record = bots.find(stringField(payload, "bot_id") ?? "");
  if (record === undefined) return failed("that bot is not on this machine");
  await bots.syncShares();
  const now = bots.find(record.bot_id ?? "");
  if (now === undefined) return failed("that bot is not on this machine any more");
  if (now.error !== null) return failed(now.error);
  if (now.keeps_allow_list && now.owner === null) return failed("who owns the bot is not known here, so no allow list can be kept: sett login, then pair the bot again");
  return done(`${now.account} may be talked to by its owner and ${now.shares.length} more`);
}

async function leave(payload: JsonObject, { bots }: BotCommandContext): Promise<CommandResult> {
  const record = bots.find(stringField(payload, "bot_id") ?? "");
  const room = stringField(payload, "room_id") ?? stringField(payload, "roomId");
  if (record === undefined) return failed("that bot is not on this machine");
  if (room === undefined || room === "") return failed("payload.room_id must be a text");
  const outcome = await leaveRoom(record, room);
  if (outcome.kind === "token_dead") return failed("the homeserver does not accept the bot's token; repair the bot");
  if (outcome.kind === "unreachable") return failed(`the homeserver cannot be reached: ${outcome.text}`);
  // Not being there is what was asked for.
  if (outcome.kind === "refused" && outcome.status !== 403 && outcome.status !== 404) return failed(outcome.text);
  await bots.change(record.account, (now) => ({ ...now, rooms: Object.fromEntries(Object.entries(now.rooms).filter(([id]) => id !== room)) }), false);
  return done(outcome.kind === "ok" ? `${record.account} left ${room}` : `${record.account} was not in ${room}`);
}

async function installSkill(payload: JsonObject, { skills, api }: BotCommandContext): Promise<CommandResult> {
  const name = stringField(payload, "skill_name") ?? "";
  const digest = stringField(payload, "digest") ?? "";
  if (!isSkillName(name)) return failed("payload.skill_name is no plain folder name");
  if (!/^[0-9a-f]{64}$/.test(digest)) return failed("payload.digest is no SHA-256");
  if (skills.pack(name)?.digest === digest) return done(`${name} is installed already`);
  const url = stringField(payload, "url");
  const content = stringField(payload, "content");
  if (url === undefined && content === undefined) return failed("payload has neither url nor content");
  const bytes = url === undefined ? Buffer.from(content ?? "") : await api.download(url, SKILL_BYTES_MAX);
  if (digestOf(bytes) !== digest) return failed(`what arrived for ${name} has another digest than announced: nothing was written`);
  try {
    const files = unpackSkill(bytes);
    skills.install(name, files);
    return done(`installed ${name}: ${files.length} ${files.length === 1 ? "file" : "files"}`);
  } catch (error) {
    return failed(`${name} cannot be installed: ${errorText(error)}`);
  }
}

async function exportSkill(payload: JsonObject, { skills, api }: BotCommandContext): Promise<CommandResult> {
  const name = stringField(payload, "skill_name") ?? "";
  const transfer = stringField(payload, "transfer_id") ?? "";
  const packed = skills.pack(name);
  if (packed === undefined) return failed(`there is no skill "${name.slice(0, 128)}" here that can be sent`);
  const query = new URLSearchParams({ transfer_id: transfer, skill_name: name });
  const answer = await api.request("PUT", `/api/v1/dashboard/skills/content/${packed.digest}?${query.toString()}`, { bytes: packed.content, timeoutMs: 60_000 });
  if (answer.status !== 200) throw refusal(api.server, answer);
  return done(`sent ${name}: ${packed.content.byteLength} bytes`);
}

const done = (result: string): CommandResult => ({ status: "success", result, new_version: null });
const failed = (result: string): CommandResult => ({ status: "failed", result, new_version: null });
