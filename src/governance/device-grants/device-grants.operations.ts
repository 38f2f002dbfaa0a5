import { AppError } from "../../kernel/errors/app-error";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { readBodyBytes } from "../../kernel/http/read-body";
import { operation } from "../../kernel/operation";
import { answerPage, answerRedirect, answerRefusal } from "../auth";
import { ACTIVATE_PATH, approvedPage, showActivation } from "./activation-page";
import { approveDeviceGrant } from "./approve-grant";
import { ActivateQuery, AuthorizedView, PendingView, PollQuery, StartedGrantView } from "./device-grants.schemas";
import { pollGrant } from "./poll-grant";
import { startGrant } from "./start-grant";

const TAG = "Auth";
const FORM_BYTES = 4_096;

/** People see refusals as pages. */
async function asPage(request: Request, requestId: string, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) return answerRefusal(error, request, requestId);
    throw error;
  }
}

export const operations = [
  operation({
    id: "governance.device-grants.start",
    method: "post",
    path: "/api/v1/auth/device",
    tag: TAG,
    summary: "A command line wants a token",
    auth: ["none"],
    limit: "credential",
    audit: "device_grant.create",
    output: StartedGrantView,
  }).handle((_input, ctx) => startGrant(ctx)),
  operation({
    id: "governance.device-grants.show",
    method: "get",
    path: ACTIVATE_PATH,
    tag: TAG,
    summary: "Where a person confirms a command line; signs them in first",
    auth: ["none"],
    limit: "credential",
    errors: [403, 404],
    otherwise: { 302: null },
    query: ActivateQuery,
    produces: "text/html",
  }).handle(({ query, request }, ctx) =>
    asPage(request, ctx.requestId, async () => {
      const shown = await showActivation(ctx, query, request.headers);
      return "location" in shown ? answerRedirect(shown.location) : answerPage(200, shown.html);
    }),
  ),
  operation({
    id: "governance.device-grants.approve",
    method: "post",
    path: ACTIVATE_PATH,
    tag: TAG,
    summary: "Confirm a command line; a form of ours sends it",
    auth: ["session"],
    limit: "credential",
    limitBy: ({ actor }) => (actor.type === "operator" || actor.type === "member" ? actor.id : null),
    audit: "device_grant.approve",
    errors: [400, 404, 413],
    produces: "text/html",
  }).handle(({ request }, ctx) =>
    asPage(request, ctx.requestId, async () => {
      await approveDeviceGrant(ctx, new URLSearchParams(fromUtf8(await readBodyBytes(request, FORM_BYTES))));
      return answerPage(200, approvedPage());
    }),
  ),
  operation({
    id: "governance.device-grants.poll",
    method: "get",
    path: "/api/v1/auth/device/token",
    tag: TAG,
    summary: "Has the person confirmed? If so, the token, once",
    auth: ["none"],
    limit: "public",
    audit: "device_grant.deliver",
    errors: [410],
    otherwise: { 202: PendingView },
    query: PollQuery,
    output: AuthorizedView,
  }).handle(async ({ query }, ctx) => {
    const answer = await pollGrant(ctx, query);
    return Response.json(answer, { status: answer.status === "pending" ? 202 : 200, headers: { "cache-control": "no-store" } });
  }),
];
