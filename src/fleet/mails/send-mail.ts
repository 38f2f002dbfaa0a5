import { z } from "zod";
import { AppError } from "../../kernel/errors/app-error";
import type { EffectHandler } from "../../kernel/outbox/drain";

const MailPayload = z.object({ to: z.string(), subject: z.string(), text: z.string(), html: z.string() });

/** Effect `mail.send`: hands one mail to the provider; the effect's id makes a repeat harmless. */
export const sendMail: EffectHandler = async (ctx, payload, effectId) => {
  if (!ctx.services.mailer) throw new AppError("DEPENDENCY_UNAVAILABLE", "No mail provider is configured.");
  await ctx.services.mailer.send(MailPayload.parse(payload), effectId);
};
