import { HOUR_MS, SECOND_MS } from "../../kernel/clock";
import type { ChatMessage } from "../../kernel/ports/services";

export const MESSAGES_MAX = 20;
export const MESSAGE_CHARS_MAX = 8_000;

/** Questions that one person may ask in any hour. */
export const TURNS_PER_HOUR = 20;
export const TURN_WINDOW_MS = HOUR_MS;

const INSTRUCTIONS = [
  "You are the assistant of Sett, a control plane for fleets of AI agents.",
  "People ask you how to sign up, connect a machine with the `sett` command line (`sett login`, `sett up`, `sett machines`, `sett doctor`), watch it on the dashboard, restart its gateway, and manage CLI tokens, sessions and their plan.",
  "You see nothing of their account and can change nothing; say so when they ask you to.",
  "Never ask for passwords, codes or tokens. If you do not know, say so and point to the support form.",
  "Answer briefly, in the language of the question.",
].join(" ");

/** What the model is sent: our instructions, then the conversation without instructions of anybody else. */
export function composePrompt(messages: readonly ChatMessage[]): ChatMessage[] {
  return [{ role: "system", content: INSTRUCTIONS }, ...messages.filter((message) => message.role !== "system")];
}

export const hasQuestion = (messages: readonly ChatMessage[]): boolean => messages.some((message) => message.role === "user");

/** Seconds until the oldest turn of a full hour leaves it. */
export const secondsUntilFree = (oldestMs: number, nowMs: number): number => Math.max(1, Math.ceil((oldestMs + TURN_WINDOW_MS - nowMs) / SECOND_MS));
