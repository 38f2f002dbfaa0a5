import type { Env } from "./env";
import { readEnv } from "./env";
import type { Db } from "./kernel/db/client";
import type { Services } from "./kernel/ports/services";
import { createJobs } from "./integrations/queue/jobs";
import { createLocalMailbox } from "./integrations/email/local-mailbox";
import { createPasswords } from "./integrations/argon2/passwords";

/** Wires each port to its client. Locally mail goes to a mailbox in D1; elsewhere it is off until a provider is configured. */
export function createServices(env: Env, db: Db): Services {
  const config = readEnv(env);
  return {
    mailer: config.environment === "local" ? createLocalMailbox(db) : null,
    passwords: createPasswords(config.passwordPepper),
    jobs: createJobs(env.JOBS),
  };
}
