import type { MailConfig } from "../../kernel/config";
import { SECOND_MS } from "../../kernel/clock";
import { PermanentEffectError } from "../../kernel/outbox/effects";
import type { Mailer } from "../../kernel/ports/services";

type ResendConfig = Extract<MailConfig, { driver: "resend" }>;

const TIMEOUT_MS = 10 * SECOND_MS;
/** Statuses that another try may change: our key once it is put right, a race with ourselves, their limits. */
const WORTH_RETRYING: ReadonlySet<number> = new Set([401, 403, 408, 409, 425, 429]);
const REASON = /^[a-z_]{1,64}$/;

/** Mail through Resend's HTTP API. Their Idempotency-Key makes a repeat within a day harmless. */
export function createResendMailer({ apiKey, baseUrl }: Omit<ResendConfig, "driver">, from: string): Mailer {
  return {
    async send({ to, subject, text, html }, dedupeId) {
      const response = await fetch(`${baseUrl}/emails`, {
        method: "POST",
        // They refuse requests without a User-Agent, which Workers do not send by themselves.
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", "idempotency-key": dedupeId, "user-agent": "sett" },
        body: JSON.stringify({ from, to: [to], subject, text, html }),
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return void (await response.body?.cancel());
      const fault = `Resend answered ${response.status}${await readReason(response)}`;
      throw response.status >= 500 || response.status < 400 || WORTH_RETRYING.has(response.status) ? new Error(fault) : new PermanentEffectError(fault);
    },
  };
}

/** Their slug, such as `validation_error`; not their message, which may repeat addresses. */
async function readReason(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const name = body !== null && typeof body === "object" ? (body as { name?: unknown }).name : undefined;
  return typeof name === "string" && REASON.test(name) ? ` (${name})` : "";
}
