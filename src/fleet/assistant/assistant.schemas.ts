import { z } from "zod";
import { hasQuestion, MESSAGE_CHARS_MAX, MESSAGES_MAX } from "./assistant.core";

const Message = z.object({ role: z.enum(["user", "assistant", "system"]), content: z.string().min(1).max(MESSAGE_CHARS_MAX) }).meta({ id: "AssistantMessage" });

export const ChatBody = z
  .object({ messages: z.array(Message).min(1).max(MESSAGES_MAX).refine(hasQuestion, "There must be a message of the user") })
  .meta({ id: "AssistantRequest" });

export const ChatView = z.object({ reply: z.string() }).meta({ id: "AssistantResponse" });
