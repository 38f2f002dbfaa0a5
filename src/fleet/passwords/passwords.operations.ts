import { operation } from "../../kernel/operation";
import { ForgotPasswordBody, ForgotPasswordView, ResetPasswordBody, ResetPasswordView } from "./passwords.schemas";
import { requestPasswordReset } from "./send-reset-code";
import { resetPassword } from "./reset-password";

const TAG = "user";

export const operations = [
  operation({
    id: "fleet.passwords.forgot",
    method: "post",
    path: "/api/v1/user/forgot-password",
    tag: TAG,
    summary: "Mail a reset code, if the address has an account; the answer does not tell",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "password.forgot",
    body: ForgotPasswordBody,
    output: ForgotPasswordView,
  }).handle(({ body }, ctx) => requestPasswordReset(ctx, body)),
  operation({
    id: "fleet.passwords.reset",
    method: "post",
    path: "/api/v1/user/reset-password",
    tag: TAG,
    summary: "Choose a new password with the mailed code; signs out everywhere",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "password.reset",
    body: ResetPasswordBody,
    output: ResetPasswordView,
  }).handle(({ body }, ctx) => resetPassword(ctx, body)),
];
