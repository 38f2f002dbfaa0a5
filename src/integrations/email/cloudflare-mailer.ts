import { SECOND_MS } from "../../kernel/clock";
import { PermanentEffectError } from "../../kernel/outbox/effects";
import type { Mailer } from "../../kernel/ports/services";

const TIMEOUT_MS = 10 * SECOND_MS;
/** Faults of the message or its recipient, which no later try mends. */
const PERMANENT = /^E_(VALIDATION_ERROR|FIELD_MISSING|TOO_MANY_RECIPIENTS|RECIPIENT_NOT_ALLOWED|RECIPIENT_SUPPRESSED|CONTENT_TOO_LARGE|HEADERS?_\w+)$/;
const CODE = /^E_[A-Z_]{1,60}$/;

/** Mail through Cloudflare Email Service. It knows no idempotency key: a repeat after a lost answer is a second mail. */
export function createCloudflareMailer(email: SendEmail, from: string): Mailer {
  return {
    async send({ to, subject, text, html }) {
      let timer: ReturnType<typeof setTimeout> | null = null;
      const tooSlow = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`Email Service gave no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      });
      try {
        await Promise.race([email.send({ from: readSender(from), to, subject, text, html }), tooSlow]);
      } catch (error) {
        throw classify(error);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** `Name <address>` in the parts that the binding takes. */
export function readSender(from: string): string | { name: string; email: string } {
  const [, name, address] = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(from) ?? [];
  return name && address ? { name, email: address } : (address ?? from.trim());
}

/** Their code; not their message, which may repeat addresses. */
function classify(error: unknown): unknown {
  const code = error !== null && typeof error === "object" ? (error as { code?: unknown }).code : undefined;
  if (typeof code !== "string" || !CODE.test(code)) return error;
  const fault = `Email Service answered ${code}`;
  return PERMANENT.test(code) ? new PermanentEffectError(fault, { cause: error }) : new Error(fault, { cause: error });
}
