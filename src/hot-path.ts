import { createContext, type Deferral } from "./context";
import { readEnv, type Env } from "./env";
import { parseHeartbeat } from "./fleet/machines/heartbeat.core";
import { recordHeartbeat } from "./fleet/machines/record-heartbeat";
import { authenticate, bearerOf } from "./kernel/auth/authenticate";
import { requireOwner, type ClientInfo } from "./kernel/context";
import { AppError } from "./kernel/errors/app-error";
import { answerHeaders } from "./kernel/http/answer";
import { readJsonBody } from "./kernel/http/read-body";
import { takeFromLimit } from "./kernel/rate-limit/rate-limit";

/**
 * The heartbeat, which every machine sends for ever: no schema library, no router, no D1, one object call. The record of the
 * same operation in fleet/machines describes it for OpenAPI and serves whoever comes another way.
 */
export const HEARTBEAT_PATH = "/api/v1/dashboard/heartbeat";
/** A beat with hundreds of bots and their skills fits. */
const BEAT_MAX_BYTES = 256 * 1024;

export async function handleHeartbeat(request: Request, env: Env, requestId: string, client: ClientInfo, deferral: Deferral): Promise<Response> {
  const config = readEnv(env);
  const actor = await authenticate(config, bearerOf(request.headers), Date.now());
  const ctx = createContext({ env, requestId, client, deferral }, actor);
  requireOwner(ctx);
  const parsed = parseHeartbeat(await readJsonBody(request, BEAT_MAX_BYTES));
  if (!parsed.ok) throw new AppError("VALIDATION_ERROR", "The request is invalid.", { issues: parsed.issues });
  await takeFromLimit(config, env, "beat", `${actor.type}:${ctx.actor.userId}:${parsed.payload.instance_id}`);
  const { answer, beatIntervalSeconds } = await recordHeartbeat(ctx, parsed.payload);
  const headers = { ...answerHeaders(config.environment === "local", requestId), "x-beat-interval": String(beatIntervalSeconds) };
  return Response.json(answer, { headers });
}
