import { mailbox } from "../../schema/kernel";
import type { Db } from "../../kernel/db/client";
import type { Mail, Mailer } from "../../kernel/ports/services";

/** The local environment's mail: rows that /dev/mailbox shows. */
export function createLocalMailbox(db: Db): Mailer {
  return {
    async send(mail: Mail, dedupeId: string): Promise<void> {
      await db.insert(mailbox).values({ id: dedupeId, recipient: mail.to.toLowerCase(), subject: mail.subject, text: mail.text, html: mail.html, sentAt: Date.now() }).onConflictDoNothing();
    },
  };
}
