import { operation } from "../../kernel/operation";
import { ChatBody, ChatView } from "./assistant.schemas";
import { createReply } from "./create-reply";

/** Twenty messages of 8,000 characters, each up to six bytes when escaped. */
const CHAT_MAX_BYTES = 1024 * 1024;

export const operations = [
  operation({
    id: "fleet.assistant.chat",
    method: "post",
    path: "/api/v1/assistant/chat",
    tag: "assistant",
    summary: "Ask about the product; 20 questions an hour",
    auth: ["user"],
    limit: "write",
    audit: "assistant.chat",
    body: ChatBody,
    maxBodyBytes: CHAT_MAX_BYTES,
    output: ChatView,
  }).handle(({ body, request }, ctx) => createReply(ctx, body, request.signal)),
];
