import { SECOND_MS } from "../../kernel/clock";
import { AppError } from "../../kernel/errors/app-error";
import type { Alerts } from "../../kernel/ports/alerts";

const TIMEOUT_MS = 5 * SECOND_MS;

/** Alerts as JSON, posted to an operator's address. */
export function createAlertWebhook(url: string): Alerts {
  return {
    async send(alert) {
      const status = await post(url, alert);
      if (status < 200 || status > 299) throw untaken(`answered ${status}`);
    },
  };
}

async function post(url: string, body: unknown): Promise<number> {
  try {
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json", "user-agent": "sett" }, body: JSON.stringify(body), redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    throw untaken(error instanceof Error ? error.name : "it cannot be reached");
  }
}

const untaken = (said: string): AppError => new AppError("BAD_GATEWAY", "The webhook for alerts did not take one.", { cause: new Error(`alert webhook: ${said}`) });
