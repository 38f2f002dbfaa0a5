import { operation } from "../../kernel/operation";
import { getProfile } from "./accounts.queries";
import { ProfileView, SendSignupCodeBody, SendSignupCodeView, SignupBody, SignupView, VerifyAccountBody, VerifyAccountView } from "./accounts.schemas";
import { createAccount } from "./create-account";
import { sendSignupCode } from "./send-signup-code";
import { verifyAccount } from "./verify-account";

const TAG = "user";

export const operations = [
  operation({
    id: "fleet.accounts.create",
    method: "post",
    path: "/api/v1/user/signup",
    tag: TAG,
    summary: "Sign up; a six-digit code goes to the e-mail address",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "account.create",
    body: SignupBody,
    output: SignupView,
  }).handle(({ body }, ctx) => createAccount(ctx, body)),
  operation({
    id: "fleet.accounts.verify",
    method: "post",
    path: "/api/v1/user/signup/verify",
    tag: TAG,
    summary: "Prove the e-mail address with the mailed code",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "account.verify",
    body: VerifyAccountBody,
    output: VerifyAccountView,
  }).handle(({ body }, ctx) => verifyAccount(ctx, body)),
  operation({
    id: "fleet.accounts.sendCode",
    method: "post",
    path: "/api/v1/user/signup/resend-code",
    tag: TAG,
    summary: "Mail a fresh code, at most one a minute",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.email,
    audit: "account.send_code",
    body: SendSignupCodeBody,
    output: SendSignupCodeView,
  }).handle(({ body }, ctx) => sendSignupCode(ctx, body)),
  operation({
    id: "fleet.accounts.getProfile",
    method: "get",
    path: "/api/v1/user/profile",
    tag: TAG,
    summary: "The caller's own profile",
    auth: ["user"],
    limit: "read",
    output: ProfileView,
  }).handle((_input, ctx) => getProfile(ctx)),
];
