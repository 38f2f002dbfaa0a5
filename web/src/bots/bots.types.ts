/** Names for the generated shapes of bots, their pairings, rooms and shares. */
import type { components } from "../../../clients/fleet.gen";
import type { Machine } from "../api/live-types";

type Schemas = components["schemas"];

/** A bot inside a machine of the live fleet. */
export type LiveBot = Machine["bots"][number];

export type Bot = Schemas["BotResponse"];
/** A bot with the token that nobody can show again. */
export type BotWithToken = Schemas["BotCreateResponse"];
export type BotRuntime = NonNullable<Bot["runtime"]>;

/** What a bot does, from its machine; for one without a machine only the phase of its newest code. */
export type BotStatus = Schemas["BotRuntimeDetail"];

export type RoomMode = "auto" | "mention";
export type BotRoom = Schemas["BotRoomResponse"];
export type BotShare = Schemas["ShareResponse"];
export type SharedBot = Schemas["SharedBotResponse"];
export type Skill = Schemas["SkillSummary"];
