import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { MailRow } from "./mailbox.store";

export const ListMailsQuery = z.object({ to: z.string().optional() });

export const MailView = z.object({ to: z.string(), subject: z.string(), text: z.string(), html: z.string(), sent_at: z.iso.datetime() }).meta({ id: "LocalMail" });

export const MailListView = z.array(MailView);

export const toMailView = (row: MailRow): z.input<typeof MailView> => ({ to: row.recipient, subject: row.subject, text: row.text, html: row.html, sent_at: iso(row.sentAt) });
