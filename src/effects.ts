import type { EffectHandlers } from "./kernel/outbox/drain";

/** Effect type → handler, loaded when the first such effect is delivered. */
export const effectHandlers: EffectHandlers = {
  "mail.send": async () => (await import("./fleet/accounts")).sendMail,
  "instance.purge": async () => (await import("./fleet/instances")).purgeInstance,
  "cli_token.cut": async () => (await import("./fleet/cli-tokens")).cutToken,
};
