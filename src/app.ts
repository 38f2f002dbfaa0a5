import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Env } from "./env";
import { createContext, type Deferral } from "./context";
import { families, linkIdentity } from "./families";
import { HEARTBEAT_PATH, handleHeartbeat } from "./hot-path";
import type { ClientInfo } from "./kernel/context";
import { AppError } from "./kernel/errors/app-error";
import { stampAnswer } from "./kernel/http/answer";
import { mountOperations, type PipelineEnv } from "./kernel/http/pipeline";
import { newId } from "./kernel/ids/ids";
import { createLogger, describeCause, describeError } from "./kernel/logging/logger";
import type { Family } from "./kernel/family";
import type { FeatureEntry } from "./kernel/operation";
import { findInFamilies } from "./kernel/registry";

const EXPOSED_HEADERS = ["x-request-id", "x-beat-interval", "retry-after"];

/** One request: the heartbeat leaves first and alone, everything else goes to its lazily loaded feature. */
export async function handleFetch(request: Request, env: Env, deferral: Deferral): Promise<Response> {
  const requestId = request.headers.get("cf-ray") ?? newId("req", Date.now());
  const isLocal = env.ENVIRONMENT === "local";
  const stamp = { isLocal, isHttps: request.url.startsWith("https:"), requestId };
  if (isLocal && env.D1_TALLY === "on" && request.headers.has("x-d1-tally")) return (await import("./kernel/db/tally")).answerTallied(env, (counted) => handleFetch(request, counted, deferral));
  try {
    const url = new URL(request.url);
    if (request.method === "POST" && url.pathname === HEARTBEAT_PATH) return await handleHeartbeat(request, env, requestId, clientInfo(request, url), deferral);
    const response = await (await rootRouter()).fetch(request, { env, requestId, deferral, url });
    return response.webSocket ? response : stampAnswer(response, stamp);
  } catch (error) {
    return stampAnswer(renderFailure(error, requestId), stamp);
  }
}

interface Bindings {
  readonly env: Env;
  readonly requestId: string;
  readonly deferral: Deferral;
  readonly url: URL;
}

interface AppEnv extends PipelineEnv {
  Bindings: Bindings;
}

let root: Hono<AppEnv> | undefined;
const [mainFamily] = families;
const routers = new Map<string, Promise<Hono<PipelineEnv>>>();

async function rootRouter(): Promise<Hono<AppEnv>> {
  if (root) return root;
  const app = new Hono<AppEnv>();
  // Any origin may call with a token in a header. A browser's cookie goes along to nobody: no credentials are allowed here.
  app.use(cors({ origin: "*", exposeHeaders: EXPOSED_HEADERS, maxAge: 86_400 }));
  app.all("*", async (c) => {
    const { env, requestId, deferral, url } = c.env;
    const path = url.pathname;
    const documented = families.find(({ documentPath }) => documentPath === path);
    if (documented) return env.ASSETS.fetch(assetRequest(c.req.raw, `/openapi/${documented.name}.json`));
    if (wantsConsole(c.req.raw, path)) return env.ASSETS.fetch(assetRequest(c.req.raw, "/"));
    const found = findInFamilies(families, path);
    if (!found) throw new AppError("NOT_FOUND", `There is nothing at ${path}.`);
    const { family, feature } = found;
    const client = clientInfo(c.req.raw, url);
    const seed = { env, requestId, client, deferral };
    const router = await featureRouter(family, feature);
    const response = await router.fetch(c.req.raw, { scope: { context: (actor: Parameters<typeof createContext>[1]) => createContext(seed, actor), limits: env, linkIdentity, authenticate: family.authenticate ?? null } });
    if (response.status === 404 && response.headers.get(UNROUTED) !== null) throw new AppError("NOT_FOUND", `There is nothing at ${c.req.method} ${path}.`);
    return response;
  });
  app.onError((error, c) => renderFailure(error, c.env.requestId, familyAt(c.env.url.pathname)));
  root = app;
  return app;
}

const UNROUTED = "x-sett-unrouted";

function featureRouter(family: Family, feature: FeatureEntry): Promise<Hono<PipelineEnv>> {
  const key = `${family.name}/${feature.name}`;
  let router = routers.get(key);
  if (!router) {
    router = feature.load().then(({ operations }) => {
      const app = new Hono<PipelineEnv & { Bindings: { scope: PipelineEnv["Variables"]["scope"] } }>();
      app.use(async (c, next) => {
        c.set("scope", c.env.scope);
        await next();
      });
      mountOperations(app as unknown as Hono<PipelineEnv>, operations);
      app.notFound(() => new Response(null, { status: 404, headers: { [UNROUTED]: "1" } }));
      app.onError((error) => {
        throw error;
      });
      return app as unknown as Hono<PipelineEnv>;
    });
    routers.set(key, router);
  }
  return router;
}

/** Browsers that open an address get the console; programs that fetch it get the API. */
function wantsConsole(request: Request, path: string): boolean {
  return (path === "/" || path === "/dev/mailbox") && (request.headers.get("accept") ?? "").includes("text/html");
}

function assetRequest(request: Request, path: string): Request {
  const target = new URL(request.url);
  target.pathname = path;
  return new Request(target, { method: request.method, headers: request.headers });
}

function clientInfo(request: Request, url: URL): ClientInfo {
  return { ip: request.headers.get("cf-connecting-ip") ?? "unknown", userAgent: request.headers.get("user-agent")?.slice(0, 255) ?? null, origin: url.origin };
}

/** Whose failures those of a path are. */
const familyAt = (path: string): Family => findInFamilies(families, path)?.family ?? mainFamily;

/** What is not configured has no cause: nothing failed, so there is nothing to look into. */
const isSwitchedOff = ({ code, cause }: AppError): boolean => cause === undefined && (code === "DEPENDENCY_UNAVAILABLE" || code === "MATRIX_UNAVAILABLE");

/** The one place where a failure becomes an answer. Unknown ones are logged once and show their request id, nothing else. */
export function renderFailure(error: unknown, requestId: string, family: Family = mainFamily): Response {
  if (error instanceof AppError) {
    if (error.status >= 500 && !isSwitchedOff(error)) createLogger({ request_id: requestId }).warn("request refused", { event: "request.unavailable", error_code: error.code, ...describeCause(error) });
    return family.wire.renderError(error, requestId);
  }
  createLogger({ request_id: requestId }).error("request failed", { event: "request.failed", ...describeError(error) });
  return family.wire.renderError(new AppError("INTERNAL", "Something went wrong on our side; quote the request id.", { cause: error }), requestId);
}
