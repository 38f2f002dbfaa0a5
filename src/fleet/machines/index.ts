export { BotRuntimeDetail, SkillSummary } from "./machines.schemas";
