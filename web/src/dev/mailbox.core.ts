/** A message of the local mailbox, as `GET /dev/mailbox` answers it. */
export interface MailboxMessage {
  to: string;
  subject: string;
  text: string;
  html: string | null;
  sent_at: string;
}

/** The one-time code in a mail: six digits that are not part of a longer number. */
export function findOneTimeCode(text: string): string | null {
  return /(?<![\d#])\d{6}(?!\d)/.exec(text)?.[0] ?? null;
}

export function filterMessages(messages: readonly MailboxMessage[], to: string | undefined): MailboxMessage[] {
  const wanted = to?.trim().toLowerCase();
  return wanted ? messages.filter((message) => message.to.toLowerCase().includes(wanted)) : [...messages];
}
