import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";
import type { PushGateway } from "../../kernel/ports/services";

const NOTIFY_PATH = "/_matrix/push/v1/notify";
/** Below what homeservers wait themselves, so that they learn our reason. */
const NOTIFY_TIMEOUT_MS = 10_000;
const HEALTH_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 512 * 1024;

/** A Matrix push gateway that speaks Sygnal's HTTP. */
export function createPushGateway(origin: string): PushGateway {
  return {
    origin,
    async notify(body, contentType) {
      try {
        const response = await fetch(`${origin}${NOTIFY_PATH}`, {
          method: "POST",
          headers: { "content-type": contentType },
          body,
          redirect: "manual",
          signal: AbortSignal.timeout(NOTIFY_TIMEOUT_MS),
        });
        const answer = await readBodyBytes(response, MAX_ANSWER_BYTES);
        return { status: response.status, contentType: response.headers.get("content-type"), retryAfter: response.headers.get("retry-after"), body: answer };
      } catch (error) {
        throw new AppError("BAD_GATEWAY", "The push gateway does not answer.", { cause: error });
      }
    },
    async isHealthy() {
      try {
        const response = await fetch(`${origin}/health`, { redirect: "manual", signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
        await response.body?.cancel();
        return response.ok;
      } catch {
        return false;
      }
    },
  };
}
