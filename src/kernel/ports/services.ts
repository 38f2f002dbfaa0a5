/** What outside systems must provide. Real clients live in src/integrations; verbs see only these. */

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Mailer {
  /** Hands one message over; `dedupeId` makes a repeat harmless. @throws when the provider did not take it. */
  send(mail: Mail, dedupeId: string): Promise<void>;
}

export interface Passwords {
  /** PHC string of a new password. */
  hash(password: string): Promise<string>;
  /** Whether `password` made `phc`. With null does the same work and answers false, so that unknown users take as long. */
  verify(password: string, phc: string | null): Promise<boolean>;
}

export interface Jobs {
  /** Puts one job on the queue; resolves when it is durable. */
  send(job: Job, delaySeconds?: number): Promise<void>;
}

/** A queue message; `id` deduplicates deliveries. */
export interface Job {
  readonly v: 1;
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
}

export interface Services {
  /** Null when no provider is configured: operations that must send mail answer 503 before they change anything. */
  readonly mailer: Mailer | null;
  readonly passwords: Passwords;
  readonly jobs: Jobs;
}
