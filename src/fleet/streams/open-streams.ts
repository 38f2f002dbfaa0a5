import { accountFeedObject, instanceObject, upgradeRequest, type Upgrade } from "../../../durable-objects/stubs";
import type { Refusal } from "../../../durable-objects/instance/instance.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { bridgeToSse, reserveStream, type BridgeOptions } from "../../kernel/sse/bridge";
import { callerOf, refOf, speakFor } from "../instances";
import { findBoundInstance } from "../cli-tokens";
import { listPairEvents } from "../pairings";

/** Seconds between beats asked of a machine that holds a stream. */
const LINKED_BEAT_INTERVAL = "300";

type Opened = { readonly kind: "ok"; readonly socket: WebSocket } | Refusal;

function lastEventIdOf(text: string | null): number | null {
  const value = Number(text ?? "");
  return text !== null && text !== "" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

async function openOnMachine(ctx: OwnerCtx, type: "socket" | "sse", instanceId: string, lastEventId: number | null): Promise<WebSocket> {
  const ref = refOf(ctx, instanceId);
  const opened = await speakFor<Opened>(ctx, "INSTANCE_GONE", async (caller) => {
    const response = await instanceObject(ctx.objects, ref).fetch(upgradeRequest({ type, ref, caller, lastEventId }));
    return response.webSocket ? { kind: "ok", socket: response.webSocket } : ((await response.json()) as Refusal);
  });
  return opened.socket;
}

async function openOnAccount(ctx: OwnerCtx, type: "sse" | "dashboard" | "progress", lastEventId: number | null): Promise<WebSocket> {
  const upgrade: Upgrade = { type, ref: refOf(ctx, ""), caller: callerOf(ctx), lastEventId };
  const response = await accountFeedObject(ctx.objects, ctx.actor.userId).fetch(upgradeRequest(upgrade));
  if (!response.webSocket) throw new AppError("OVERLOADED", "The stream could not be opened; try again shortly.", { retryAfterSeconds: 2 });
  return response.webSocket;
}

/**
 * The stream a machine listens on. A bound token or `instance_id` makes it that machine's own link; otherwise it is the account's. It
 * begins with the pairing codes that wait, since those are in no log that could be replayed.
 * @throws AppError INSTANCE_GONE, TOKEN_REVOKED, TOKEN_BOUND, OVERLOADED
 */
export async function openMachineStream(ctx: OwnerCtx, request: Request, askedInstanceId: string | undefined): Promise<Response> {
  reserveStream(ctx.config.maxStreamsPerIsolate);
  const instanceId = askedInstanceId ?? (ctx.actor.type === "cliToken" ? await findBoundInstance(ctx, ctx.actor.tokenId) : null);
  const lastEventId = lastEventIdOf(request.headers.get("last-event-id"));
  const socket = instanceId === null ? await openOnAccount(ctx, "sse", lastEventId) : await openOnMachine(ctx, "sse", instanceId, lastEventId);
  // Asked once the socket is open: a code made in between comes twice instead of never.
  const opening = await listPairEvents(ctx, instanceId).catch((error: unknown) => {
    socket.accept();
    socket.close(1011, "the stream could not begin");
    throw error;
  });
  return bridgeToSse({ socket, signal: request.signal, named: false, expiresAt: ctx.actor.expiresAt, opening, headers: instanceId === null ? {} : { "x-beat-interval": LINKED_BEAT_INTERVAL } });
}

/** The machine's own socket: the runtime hands it through to the object, no Worker stays in between. @throws AppError UPGRADE_REQUIRED, INSTANCE_GONE, TOKEN_REVOKED, TOKEN_BOUND */
export async function openMachineSocket(ctx: OwnerCtx, request: Request, instanceId: string, lastEventId: string | undefined): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") throw new AppError("UPGRADE_REQUIRED", "Send `Upgrade: websocket`.");
  const webSocket = await openOnMachine(ctx, "socket", instanceId, lastEventIdOf(lastEventId ?? null));
  return new Response(null, { status: 101, webSocket });
}

/** What a stream of the dashboards' kind may say in its address. */
interface StreamQuery {
  readonly named?: string | undefined;
  readonly last_event_id?: string | undefined;
}

const resumeFrom = (request: Request, query: StreamQuery): number | null => lastEventIdOf(request.headers.get("last-event-id") ?? query.last_event_id ?? null);

/** The stream dashboards draw themselves from. @throws AppError OVERLOADED */
export async function openDashboardStream(ctx: OwnerCtx, request: Request, query: StreamQuery): Promise<Response> {
  reserveStream(ctx.config.maxStreamsPerIsolate);
  const socket = await openOnAccount(ctx, "dashboard", resumeFrom(request, query));
  return bridgeToSse({ socket, signal: request.signal, named: query.named === "1", expiresAt: ctx.actor.expiresAt });
}

/** How a stream about one thing begins, and what of the account's events it says. */
type Telling = Required<Pick<BridgeOptions, "opening" | "over" | "pass">>;

/**
 * A stream of what the account's dashboards hear, cut to one thing. Nobody's machines beat faster for it.
 * @param begin is asked once the feed is listened to: what happens in between comes twice instead of never. What it throws is thrown.
 * @throws AppError OVERLOADED
 */
export async function openFilteredStream(ctx: OwnerCtx, request: Request, query: StreamQuery, begin: () => Promise<Telling>): Promise<Response> {
  reserveStream(ctx.config.maxStreamsPerIsolate);
  const socket = await openOnAccount(ctx, "progress", resumeFrom(request, query));
  const telling = await begin().catch((error: unknown) => {
    socket.accept();
    socket.close(1011, "the stream could not begin");
    throw error;
  });
  return bridgeToSse({ socket, signal: request.signal, named: query.named === "1", expiresAt: ctx.actor.expiresAt, ...telling });
}
