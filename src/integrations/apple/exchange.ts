import { SECOND_MS } from "../../kernel/clock";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";
import { createLogger } from "../../kernel/logging/logger";
import { parseObject, type Json } from "./json";

const TIMEOUT_MS = 10 * SECOND_MS;
/** A receipt with years of renewals is some hundred KiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const RETRY_SECONDS = 30;
const MAX_RETRY_SECONDS = 3_600;

export interface AppleReply {
  readonly status: number;
  readonly headers: Headers;
  /** Null when it was no JSON object. */
  readonly body: Json | null;
}

/**
 * One exchange with the App Store.
 * @param what names the call in logs, without anything of the request
 * @throws AppError DEPENDENCY_UNAVAILABLE when there was none
 */
export async function exchange(what: string, url: string, init: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string }): Promise<AppleReply> {
  try {
    const response = await fetch(url, {
      method: init.method,
      headers: { accept: "application/json", "user-agent": "sett", ...init.headers },
      body: init.body ?? null,
      // A redirect would carry our secret and their receipt elsewhere.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, headers: response.headers, body: parseObject(fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES))) };
  } catch (error) {
    // Its message may repeat what was sent.
    throw unavailable(`${what}: ${error instanceof Error ? error.name : "it cannot be reached"}`);
  }
}

/** For what will pass: nothing was learned, ask again. */
export function unavailable(said: string, retryAfterSeconds = RETRY_SECONDS): AppError {
  return new AppError("DEPENDENCY_UNAVAILABLE", "The App Store cannot tell about this purchase right now; try again later.", {
    cause: new Error(`App Store: ${said}`),
    retryAfterSeconds: Math.min(Math.max(Math.ceil(retryAfterSeconds), 1), MAX_RETRY_SECONDS),
  });
}

/** For a secret, key or app of ours that Apple does not take. Nobody can buy anything until an operator looks, so it is logged as an error here. */
export function refused(setting: string, said: string): AppError {
  createLogger({}).error("Apple refuses this service's own credentials; no purchase can be checked until they are right", { event: "app_store.refused", setting, said });
  return new AppError("BAD_GATEWAY", "The App Store refuses this service's own credentials; its operator must check them.", { cause: new Error(`App Store: ${setting}: ${said}`) });
}
