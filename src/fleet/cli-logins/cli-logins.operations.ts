import { operation } from "../../kernel/operation";
import { CliLoginRef, CompleteCliLoginBody, CompletedCliLoginView, PollCliLoginBody, PolledCliLoginView, StartCliLoginBody, StartedCliLoginView } from "./cli-logins.schemas";
import { completeCliLogin } from "./complete-cli-login";
import { pollCliLogin } from "./poll-cli-login";
import { startCliLogin } from "./start-cli-login";

const TAG = "openclaw";

export const operations = [
  operation({
    id: "fleet.cli-logins.start",
    method: "post",
    path: "/api/v1/openclaw/cli/auth/start",
    tag: TAG,
    summary: "A CLI wants to sign in; answers the address to open",
    auth: ["none"],
    limit: "credential",
    limitBy: ({ body }) => body.code_challenge,
    audit: "cli_login.start",
    body: StartCliLoginBody,
    output: StartedCliLoginView,
  }).handle(({ body }, ctx) => startCliLogin(ctx, body)),
  operation({
    id: "fleet.cli-logins.poll",
    method: "post",
    path: "/api/v1/openclaw/cli/auth/poll/{code}",
    tag: TAG,
    summary: "Has the browser confirmed? With the verifier, the token",
    auth: ["none"],
    limit: "public",
    audit: "cli_login.poll",
    params: CliLoginRef,
    body: PollCliLoginBody,
    bodyOptional: true,
    output: PolledCliLoginView,
  }).handle(({ params, body }, ctx) => pollCliLogin(ctx, { ...body, ...params })),
  operation({
    id: "fleet.cli-logins.peek",
    method: "get",
    path: "/api/v1/openclaw/cli/auth/poll/{code}",
    tag: TAG,
    summary: "Has the browser confirmed? Without a verifier, for started codes only",
    auth: ["none"],
    limit: "public",
    audit: "cli_login.poll",
    params: CliLoginRef,
    body: PollCliLoginBody,
    bodyOptional: true,
    output: PolledCliLoginView,
  }).handle(({ params, body }, ctx) => pollCliLogin(ctx, { ...body, ...params })),
  operation({
    id: "fleet.cli-logins.complete",
    method: "post",
    path: "/api/v1/openclaw/cli/auth/callback",
    tag: TAG,
    summary: "The signed-in browser confirms a CLI",
    auth: ["user"],
    limit: "credential",
    limitBy: ({ body }) => body.code,
    audit: "cli_login.complete",
    body: CompleteCliLoginBody,
    output: CompletedCliLoginView,
  }).handle(({ body }, ctx) => completeCliLogin(ctx, body)),
];
