import type { EffectHandlers } from "./kernel/outbox/drain";

/** Effect type → handler, loaded when the first such effect is delivered. */
export const effectHandlers: EffectHandlers = {
  "mail.send": async () => (await import("./fleet/mails")).sendMail,
  "device_check.mark": async () => (await import("./fleet/trials")).markDevice,
  "account.send_code": async () => (await import("./fleet/accounts")).sendSignupCode,
  "password.send_reset_code": async () => (await import("./fleet/passwords")).sendResetCode,
  "matrix.deactivate": async () => (await import("./fleet/matrix-login")).deactivateMatrixAccount,
  "session.cut_streams": async () => (await import("./fleet/sessions")).cutStreams,
  "instance.purge": async () => (await import("./fleet/instances")).purgeInstance,
  "cli_token.cut": async () => (await import("./fleet/cli-tokens")).cutToken,
};
