import type { LlmConfig } from "../../kernel/config";
import { AppError } from "../../kernel/errors/app-error";
import type { ChatMessage, LanguageModel } from "../../kernel/ports/services";
import { collapseStream, readWhole } from "./answers";

const MAX_REPLY_TOKENS = 1_024;
const DEFAULT_RETRY_SECONDS = 30;
const MAX_RETRY_SECONDS = 3_600;

/** An OpenAI-compatible `/chat/completions`. Asks for one whole answer, and takes a stream from upstreams that send one anyway. */
export function createLanguageModel(config: LlmConfig): LanguageModel {
  return {
    async complete(messages, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)]);
      try {
        const response = await post(config, messages, limit);
        if (!response.ok) throw await refusal(response);
        const streamed = (response.headers.get("content-type") ?? "").includes("text/event-stream");
        const reply = (streamed ? await collapseStream(response, limit) : await readWhole(response)).trim();
        if (reply === "") throw new AppError("BAD_GATEWAY", "The assistant's model gave no answer.");
        return reply;
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (signal.aborted) throw new AppError("CLIENT_GONE", "The caller left before the answer.");
        throw unavailable(limit.aborted ? new Error(`no answer within ${config.timeoutMs} ms`) : error);
      }
    },
  };
}

const post = (config: LlmConfig, messages: readonly ChatMessage[], signal: AbortSignal): Promise<Response> =>
  fetch(`${config.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "sett", ...(config.apiKey === null ? {} : { authorization: `Bearer ${config.apiKey}` }) },
    body: JSON.stringify({ ...config.options, model: config.model, messages, max_tokens: MAX_REPLY_TOKENS, stream: false }),
    // A redirect could carry our key to another host.
    redirect: "manual",
    signal,
  });

const unavailable = (cause: unknown): AppError => new AppError("DEPENDENCY_UNAVAILABLE", "The assistant is not available right now; try again shortly.", { retryAfterSeconds: DEFAULT_RETRY_SECONDS, cause });

/** Whose fault a refusal is: theirs for a moment (503, 429) or our configuration's (502). Their text may repeat prompts and keys, so it is dropped. */
async function refusal(response: Response): Promise<AppError> {
  const { status } = response;
  await response.body?.cancel();
  const cause = new Error(`the model's provider answered ${status}`);
  if (status === 429) {
    const wait = Number(response.headers.get("retry-after") ?? "");
    const retryAfterSeconds = Number.isInteger(wait) && wait > 0 ? Math.min(wait, MAX_RETRY_SECONDS) : DEFAULT_RETRY_SECONDS;
    return new AppError("RATE_LIMITED", "The assistant is busy; wait a moment and try again.", { retryAfterSeconds, cause });
  }
  if (status >= 500 || status === 408) return unavailable(cause);
  return new AppError("BAD_GATEWAY", "The assistant's model refused our request.", { cause });
}
