import { readBodyBytes } from "../../kernel/http/read-body";
import { operation } from "../../kernel/operation";
import type { PushAnswer } from "../../kernel/ports/services";
import { forwardNotification } from "./forward-notification";
import { getGatewayHealth } from "./push-gateway.queries";
import { GatewayHealthView } from "./push-gateway.schemas";

const TAG = "push";
/** What Sygnal takes. */
const NOTIFY_MAX_BYTES = 512 * 1024;
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** The gateway's answer unchanged: status, body, and the headers that homeservers read. */
function passOn(answer: PushAnswer): Response {
  const headers = new Headers();
  if (answer.contentType !== null) headers.set("content-type", answer.contentType);
  if (answer.retryAfter !== null) headers.set("retry-after", answer.retryAfter);
  return new Response(NULL_BODY.has(answer.status) ? null : answer.body, { status: answer.status, headers });
}

export const operations = [
  operation({
    id: "fleet.push-gateway.notify",
    method: "post",
    path: "/_matrix/push/v1/notify",
    tag: TAG,
    summary: "A homeserver's notification, handed to the push gateway as it is",
    auth: ["none"],
    limit: "public",
    audit: "push_device.reject",
    produces: "application/json",
  }).handle(async ({ request }, ctx) => passOn(await forwardNotification(ctx, await readBodyBytes(request, NOTIFY_MAX_BYTES), request.headers.get("content-type") ?? "application/json"))),
  operation({
    id: "fleet.push-gateway.getHealth",
    method: "get",
    path: "/_matrix/push/v1/health",
    tag: TAG,
    summary: "Whether the push gateway answers",
    auth: ["none"],
    limit: "public",
    output: GatewayHealthView,
  }).handle((_input, ctx) => getGatewayHealth(ctx)),
];
