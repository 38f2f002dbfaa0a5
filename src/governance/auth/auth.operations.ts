import { AppError } from "../../kernel/errors/app-error";
import { operation } from "../../kernel/operation";
import { answerDone, answerRedirect, answerRefusal } from "./answers";
import { getMe } from "./auth.queries";
import { CallbackQuery, MeView, SignInQuery } from "./auth.schemas";
import { beginSignIn, finishSignIn, forgottenAttempt } from "./sign-in";
import { signOut } from "./sign-out";

const TAG = "Auth";

export const operations = [
  operation({
    id: "governance.auth.me",
    method: "get",
    path: "/api/v1/auth/me",
    tag: TAG,
    summary: "Who is signed in with this browser",
    auth: ["none"],
    limit: "public",
    output: MeView,
  }).handle(({ request }, ctx) => getMe(ctx, request.headers)),
  operation({
    id: "governance.auth.login",
    method: "get",
    path: "/api/v1/auth/login",
    tag: TAG,
    summary: "Sign in at the identity provider",
    auth: ["none"],
    limit: "credential",
    errors: [502],
    query: SignInQuery,
    status: 302,
  }).handle(async ({ query }, ctx) => {
    const { location, cookies } = await beginSignIn(ctx, query);
    return answerRedirect(location, cookies);
  }),
  operation({
    id: "governance.auth.callback",
    method: "get",
    path: "/api/v1/auth/callback",
    tag: TAG,
    summary: "Where the identity provider sends the browser back",
    auth: ["none"],
    limit: "credential",
    audit: "session.create",
    errors: [400, 403, 502],
    query: CallbackQuery,
    status: 302,
  }).handle(async ({ request }, ctx) => {
    try {
      const { location, cookies } = await finishSignIn(ctx, request.headers, new URL(request.url).searchParams);
      return answerRedirect(location, cookies);
    } catch (error) {
      if (error instanceof AppError) return answerRefusal(error, request, ctx.requestId, forgottenAttempt(ctx));
      throw error;
    }
  }),
  operation({
    id: "governance.auth.logout",
    method: "post",
    path: "/api/v1/auth/logout",
    tag: TAG,
    summary: "Sign out with this browser; harmless without a session",
    auth: ["none"],
    limit: "public",
    audit: "session.delete",
    status: 204,
  }).handle(async ({ request }, ctx) => answerDone(await signOut(ctx, request.headers))),
];
