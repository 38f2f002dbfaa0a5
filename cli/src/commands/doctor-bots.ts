import { BotStore } from "../bots/bot-store";
import type { BotRecord } from "../bots/bot-record";
import { hermesLaunch } from "../bots/hermes";
import { whoAmI } from "../bots/matrix";
import { EMPTY_CONFIG, loadConfig, type Config } from "../core/config";
import { findProgram } from "../watch/openclaw";
import type { CliContext } from "./context";
import type { Check } from "./doctor";

/** What `sett doctor` says of the bots here, one line each, and of what runs those of the Hermes runtime. */
export async function checkBots({ paths, server }: CliContext): Promise<Check[]> {
  const store = new BotStore(paths.bots);
  const records = store.list().filter((record) => record.server === server);
  const config = readConfig(paths.config);
  const bots = await Promise.all(records.map((record) => checkBot(record, store, config)));
  return [checkHermes(config, records), ...(bots.length === 0 ? [{ name: "bots", state: "ok", detail: "none live here (sett pair --bot NAME brings one)" } satisfies Check] : bots)];
}

function checkHermes(config: Config, records: readonly BotRecord[]): Check {
  const needed = records.some((record) => record.runtime === "hermes");
  const { command, image } = config.hermes;
  if (command !== undefined) return { name: "hermes", state: "ok", detail: `run by ${command.join(" ").slice(0, 80)}` };
  if (findProgram("docker") !== undefined) return { name: "hermes", state: "ok", detail: `docker runs ${image} (docker pull it once, so that bots may be made for it)` };
  const path = findProgram("hermes");
  if (path !== undefined) return { name: "hermes", state: "ok", detail: path };
  if (needed) return { name: "hermes", state: "fail", detail: "a bot here needs Hermes, and there is none", todo: "install hermes or docker, or set hermes.command in config.json" };
  return { name: "hermes", state: "ok", detail: "not installed, and no bot here needs it" };
}

async function checkBot(record: BotRecord, store: BotStore, config: Config): Promise<Check> {
  const name = `bot ${record.account}`;
  const answer = await whoAmI(record);
  if (answer.kind === "token_dead") return { name, state: "fail", detail: "the homeserver does not accept its token", todo: "repair it in the console, or pair it again: sett pair --bot" };
  if (record.error !== null) return { name, state: "fail", detail: record.error };
  if (record.runtime === "hermes") {
    const launch = hermesLaunch(record, config.hermes, store.runtimeFolder(record.account), Date.now());
    if (!launch.ok) return { name, state: "fail", detail: launch.text };
  }
  if (!record.configured) return { name, state: "warn", detail: "its credentials are here, its runtime does not have them yet", todo: "sett pair" };
  if (answer.kind !== "ok") return { name, state: "warn", detail: `${record.homeserver}: ${answer.text}`, todo: "it cannot talk until its homeserver answers; a server that says matrix_unavailable has the same trouble, or no homeserver at all" };
  return { name, state: "ok", detail: `${record.user_id}, ${record.runtime}, ${record.homeserver} knows it` };
}

/** The config's own check says what is wrong with it. */
function readConfig(path: string): Config {
  try {
    return loadConfig(path);
  } catch {
    return EMPTY_CONFIG;
  }
}
