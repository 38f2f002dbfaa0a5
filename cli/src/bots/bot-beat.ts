import type { BotBeat, GatewayStatus, WatchedStatus } from "../core/api-types";
import type { BotRecord } from "./bot-record";
import type { SkillWire } from "./skill-folder";

/** Rows of skills in one beat, over all bots: a frame holds 256 KiB. */
const SKILL_ROWS_MAX = 300;

export interface Surroundings {
  readonly gateway: GatewayStatus;
  /** State of a bot's Hermes; undefined when none is watched. */
  hermes(record: BotRecord): { readonly problem: string } | { readonly status: WatchedStatus; readonly startedAt: string | null } | undefined;
  readonly skills: readonly SkillWire[];
  readonly now: number;
}

/** What a beat says of the bots here. One without an id cannot be told of: only old servers leave it out. Pure. */
export function botBeats(records: readonly BotRecord[], around: Surroundings): BotBeat[] {
  const told = records.filter((record): record is BotRecord & { readonly bot_id: string } => record.bot_id !== null);
  const withSkills = told.filter((record) => record.runtime === "openclaw").length;
  const skills = withSkills === 0 ? [] : around.skills.slice(0, Math.floor(SKILL_ROWS_MAX / withSkills));
  return told.map((record) => {
    const { status, error, upSince } = record.runtime === "hermes" ? hermesState(record, around) : openclawState(record, around);
    const uptime = upSince === null ? 0 : Math.max(0, Math.round((around.now - Date.parse(upSince)) / 1000));
    return {
      bot_id: record.bot_id,
      status,
      activity_state: "unknown",
      errors: record.errors,
      last_error: error,
      last_error_at: record.error_at,
      uptime_seconds: Number.isFinite(uptime) ? uptime : 0,
      ...(record.runtime === "openclaw" ? { skill_count: around.skills.length, skills: [...skills] } : {}),
    };
  });
}

interface State {
  readonly status: BotBeat["status"];
  readonly error: string | null;
  readonly upSince: string | null;
}

function openclawState(record: BotRecord, around: Surroundings): State {
  if (record.error !== null) return { status: "error", error: record.error, upSince: null };
  if (!record.configured) return { status: "stopped", error: null, upSince: null };
  return { status: around.gateway === "running" ? "running" : "stopped", error: null, upSince: null };
}

function hermesState(record: BotRecord, around: Surroundings): State {
  if (record.error !== null) return { status: "error", error: record.error, upSince: null };
  const process = around.hermes(record);
  if (process !== undefined && "problem" in process) return { status: "error", error: process.problem, upSince: null };
  if (process?.status === "running") return { status: "running", error: null, upSince: process.startedAt };
  if (process?.status === "crashed") return { status: "error", error: "its Hermes crashed; see: sett logs", upSince: null };
  return { status: "stopped", error: null, upSince: null };
}
