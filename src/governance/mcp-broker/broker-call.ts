import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { invalidField } from "../../kernel/errors/app-error";
import { readOutsideUrl } from "../../kernel/http/outside-url";
import { readBodyBytes } from "../../kernel/http/read-body";
import type { McpAnswer, McpCall } from "../../kernel/ports/mcp";
import { refusal } from "../errors";
import { readSecret } from "../secrets";
import { governanceServices } from "../services";
import { requireCallable, requireTenant, type Callable } from "./may-call";
import { credentialToUse, headersToCaller, headersToServer, isEventStream, judgeAnswer, MAX_MESSAGE_BYTES, SESSION_HEADER } from "./mcp-broker.core";
import type { BrokerQuery, BrokerRef } from "./mcp-broker.schemas";
import { replaceEndpoint } from "./sse-endpoint.core";
import { whileAllowed } from "./while-allowed";

interface BrokeredCall extends z.output<typeof BrokerRef>, z.output<typeof BrokerQuery> {
  readonly method: McpCall["method"];
  readonly request: Request;
}

/**
 * Carries one message of the caller's tenant to an MCP server, with the credential that only we hold, and the answer back as it arrives.
 * @throws what {@link requireTenant} and {@link requireCallable} throw; MCP_SESSION_NOT_FOUND, NOT_CONFIGURED when the credential cannot be used, UPSTREAM_ERROR, TIMEOUT, AppError PAYLOAD_TOO_LARGE, VALIDATION_ERROR
 */
export async function brokerCall(ctx: Ctx, { id, message, method, request }: BrokeredCall): Promise<Response> {
  const tenant = await requireTenant(ctx);
  const found = await requireCallable(ctx, tenant, id);
  const route: Route = { ...found, isLocal: ctx.config.environment === "local" };
  const [url, session, secret, body] = await Promise.all([targetOf(ctx, route, message), sessionOf(ctx, route, request.headers.get(SESSION_HEADER)), secretOf(ctx, found), method === "POST" ? readBodyBytes(request, MAX_MESSAGE_BYTES) : null]);
  const answer = await governanceServices(ctx).mcp.send({ url, method, headers: headersToServer(request.headers, session, secret), body, signal: request.signal });
  ctx.log.info("MCP call brokered", { event: "mcp.brokered", tenant, mcp_server: id, method, status: answer.status });
  return toResponse(ctx, route, answer, method);
}

interface Route extends Callable {
  readonly isLocal: boolean;
}

/** What binds a place or a session that a server named to the tenant and the server that may use it: to the server all tenants are one caller. */
const boundTo = (what: "message" | "session", { tenant, born, server }: Route): string => `mcp_${what}:${server.id}:${tenant}:${born}`;

/** The session as the server named it. Unknown ones make clients begin anew. */
async function sessionOf(ctx: Ctx, route: Route, sealed: string | null): Promise<string | null> {
  const session = sealed === null ? null : await unseal(ctx.config.sealKeys, sealed, boundTo("session", route));
  if (sealed !== null && session === null) throw refusal("MCP_SESSION_NOT_FOUND", "This MCP session is none of this tenant's.");
  return session;
}

/** Where a message goes: to the endpoint, or to the place that the server named in its stream. */
async function targetOf(ctx: Ctx, route: Route, message: string | undefined): Promise<URL> {
  const endpoint = readOutsideUrl(route.server.endpoint, route.isLocal);
  if (!endpoint) throw refusal("MCP_NOT_BROKERED", "The broker reaches public hosts over https only.");
  if (message === undefined) return endpoint;
  const place = await unseal(ctx.config.sealKeys, message, boundTo("message", route));
  const url = place !== null && URL.canParse(place, endpoint) ? new URL(place, endpoint) : null;
  // The endpoint may have moved since: our credential is for its host only.
  if (url?.origin !== endpoint.origin) throw invalidField(["query", "message"], "Not a place that this server's stream named");
  return url;
}

async function secretOf(ctx: Ctx, { server, credentials }: Callable): Promise<string | null> {
  const use = credentialToUse(credentials);
  if (use.kind === "none") return null;
  if (use.kind === "exchange") throw refusal("NOT_CONFIGURED", `The MCP server ${server.name} wants its users' own tokens, and no token exchange service is configured.`);
  const secret = await readSecret(ctx, use.name);
  if (secret === null) throw refusal("NOT_CONFIGURED", `The secret ${use.name} of the MCP server ${server.name} is not kept.`);
  return secret;
}

async function toResponse(ctx: Ctx, route: Route, { status, headers, body }: McpAnswer, method: McpCall["method"]): Promise<Response> {
  const type = headers.get("content-type");
  const verdict = judgeAnswer(status, type);
  const session = headers.get(SESSION_HEADER);
  const toCaller = headersToCaller(headers, session === null ? null : await seal(ctx.config.sealKeys, session, boundTo("session", route)));
  if (verdict === "pass") {
    const lasting = body !== null && isEventStream(type) ? body.pipeThrough(whileAllowed(ctx, route)) : body;
    const tellsPlace = method === "GET" && route.server.transport === "sse" && lasting !== null;
    return new Response(tellsPlace ? lasting.pipeThrough(replaceEndpoint((place) => brokeredPlace(ctx, route, place))) : lasting, { status, headers: toCaller });
  }
  await body?.cancel();
  if (verdict === "refused") throw refusal("UPSTREAM_ERROR", `The MCP server ${route.server.name} does not take our credential.`, { cause: new Error(`it answered ${status}`) });
  if (verdict === "failed") throw refusal("UPSTREAM_ERROR", `The MCP server ${route.server.name} failed.`, { cause: new Error(`it answered ${status}`) });
  const { "content-type": _unspoken, ...rest } = toCaller;
  // Published clients take an empty error for success.
  return status < 400 ? new Response(null, { status, headers: rest }) : Response.json({ error: `The MCP server answered ${status}.`, code: "UPSTREAM_ERROR", request_id: ctx.requestId }, { status, headers: rest });
}

/** Where the caller sends what the server wants at `place`; null for places at other hosts. Sealed: our credential opens no other path of its host. */
async function brokeredPlace(ctx: Ctx, route: Route, place: string): Promise<string | null> {
  const { endpoint, id } = route.server;
  if (!URL.canParse(place, endpoint) || new URL(place, endpoint).origin !== new URL(endpoint).origin) return null;
  return `/api/v1/mcp/${id}?message=${await seal(ctx.config.sealKeys, place, boundTo("message", route))}`;
}
