import type { Config } from "../../kernel/config";
import type { Db } from "../../kernel/db/client";
import type { Mailer } from "../../kernel/ports/services";
import { createCloudflareMailer } from "./cloudflare-mailer";
import { createLocalMailbox } from "./local-mailbox";
import { createResendMailer } from "./resend-mailer";

/** The mailer of the configured driver; null when none is. */
export function createMailer({ mail, mailFrom }: Pick<Config, "mail" | "mailFrom">, outlets: { readonly db: Db; readonly email: SendEmail | undefined }): Mailer | null {
  switch (mail?.driver) {
    case "mailbox":
      return createLocalMailbox(outlets.db);
    case "cloudflare":
      return outlets.email ? createCloudflareMailer(outlets.email, mailFrom) : null;
    case "resend":
      return createResendMailer(mail, mailFrom);
    case undefined:
      return null;
  }
}
