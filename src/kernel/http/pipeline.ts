import type { Context as HonoContext, Env as HonoEnv, Hono } from "hono";
import { bearerOf } from "../auth/authenticate";
import { identify, type LinkIdentity } from "../auth/external-identity";
import { requireLive } from "../auth/liveness";
import { actorId, isOwner, type Actor, type Role } from "../auth/actor";
import type { Ctx } from "../context";
import { AppError } from "../errors/app-error";
import type { FamilyAuthenticator } from "../family";
import { withIdempotency } from "../idempotency";
import type { Operation } from "../operation";
import { takeFromLimit, takeIdentifierFromLimit, type LimitBindings } from "../rate-limit/rate-limit";
import { MAX_BODY_BYTES, readJsonBody } from "./read-body";
import { parseInput } from "./validate";

/** What the application hands to every request. */
export interface RequestScope {
  /** Builds the context for an actor; called once per request, after authentication. */
  readonly context: (actor: Actor) => Ctx;
  readonly limits: LimitBindings;
  /** Makes or finds the account of a person whom an outside issuer vouches for. */
  readonly linkIdentity: LinkIdentity;
  /** The family's own credentials; null knows the kernel's only. */
  readonly authenticate: FamilyAuthenticator | null;
}

export interface PipelineEnv extends HonoEnv {
  Variables: { scope: RequestScope };
}

/** Mounts records on a router. `{name}` in paths becomes Hono's `:name`. */
export function mountOperations(router: Hono<PipelineEnv>, operations: readonly Operation[]): void {
  for (const op of operations) {
    router.on(op.spec.method.toUpperCase(), op.spec.path.replace(/\{(\w+)\}/g, ":$1"), (c) => runOperation(op, c));
  }
}

/**
 * The one path of a request through a record: address limit → authenticate → owner limit → still alive? → admitted? → parse params,
 * query, body → identifier limit → idempotency → handler → (local) check the answer against its schema → render.
 */
async function runOperation(op: Operation, c: HonoContext<PipelineEnv>): Promise<Response> {
  const { spec } = op;
  const scope = c.get("scope");
  // Whoever only looks whether an address is there must not use up what it gives once.
  if (c.req.raw.method === "HEAD" && spec.audit !== undefined) throw new AppError("METHOD_NOT_ALLOWED", "This address answers GET only: reading it changes something.");
  const anonymous = scope.context({ type: "anonymous" });
  const { config } = anonymous;
  if (spec.limit === "credential" || spec.limit === "public") await takeFromLimit(config, scope.limits, spec.limit, anonymous.client.ip);

  const actor = await resolveActor(op, c.req.raw, anonymous, scope);
  const ctx = actor.type === "anonymous" ? anonymous : scope.context(actor);
  if (spec.limit !== "credential" && spec.limit !== "public") {
    await takeFromLimit(config, scope.limits, spec.limit, limitKeyOf(op, actor, ctx.client.ip));
  }
  if (isOwner(actor) && spec.live !== false) requireRole(op, await requireLive(ctx));
  await spec.admit?.(ctx, c.req.raw.headers);

  const params = spec.params ? parseInput(spec.params, c.req.param(), "path") : undefined;
  const query = spec.query ? parseInput(spec.query, c.req.query(), "query") : undefined;
  const body = spec.body ? await readBody(op, c.req.raw) : undefined;
  const identifier = spec.limitBy?.({ params: params as never, body: body as never, actor });
  if (identifier) await takeIdentifierFromLimit(config, scope.limits, spec.id, identifier);

  const run = async (): Promise<unknown> => {
    const output = await op.handle({ params, query, body, request: c.req.raw }, ctx);
    if (spec.output && !(output instanceof Response) && config.environment === "local") checkOutput(op, output);
    return output;
  };
  const key = spec.idempotent ? c.req.header("idempotency-key") : undefined;
  const output = key ? await withIdempotency(ctx, spec.id, key, { params, query, body }, run) : await run();
  if (output instanceof Response) return output;
  const status = spec.status ?? 200;
  // What a credential opens is nobody else's to keep; in families with credentials of their own, cookies, open operations look at them too.
  const headers: Record<string, string> = spec.auth.includes("none") && scope.authenticate === null ? {} : { "cache-control": "no-store" };
  return status === 204 ? new Response(null, { status, headers }) : Response.json(output ?? null, { status, headers });
}

/** Whose uses count together: an owner's, or one credential's. Several programs may share an operator's token; each address counts by itself. */
function limitKeyOf({ spec: { limit } }: Operation, actor: Actor, ip: string): string {
  if (isOwner(actor)) return `${limit}:${actor.userId}`;
  if (actor.type === "anonymous") return ip;
  return `${limit}:${actor.type}:${actorId(actor)}${actor.type === "operator" && actor.session === null ? `:${ip}` : ""}`;
}

/** Administrators are asked of D1, not of the token: a role that was taken away counts at once. @throws AppError FORBIDDEN */
function requireRole({ spec: { auth } }: Operation, role: Role | null): void {
  const needed = auth.includes("admin") ? ["admin", "superadmin"] : auth.includes("superadmin") ? ["superadmin"] : null;
  if (needed && !auth.includes("user") && !needed.includes(role ?? "")) throw new AppError("FORBIDDEN", "This needs an administrator.");
}

async function resolveActor(op: Operation, request: Request, anonymous: Ctx, { linkIdentity: link, authenticate }: RequestScope): Promise<Actor> {
  const { auth } = op.spec;
  if (auth.includes("none")) return anonymous.actor;
  if (authenticate) return authenticate(anonymous, request, auth);
  const token = (op.spec.tokenInQuery ? new URL(request.url).searchParams.get("token") : null) ?? bearerOf(request.headers);
  const actor = await identify(anonymous, token, link);
  if (actor.type === "user" && (auth.includes("user") || auth.includes("admin") || auth.includes("superadmin"))) return actor;
  if (actor.type === "cliToken" && auth.includes("cliToken")) return actor;
  throw new AppError("FORBIDDEN", actor.type === "cliToken" ? "A CLI token may not do this; use a signed-in session." : "This needs another kind of credential.");
}

async function readBody(op: Operation, request: Request): Promise<unknown> {
  const { body: schema, bodyOptional, maxBodyBytes } = op.spec;
  const raw = await readJsonBody(request, maxBodyBytes ?? MAX_BODY_BYTES);
  if (raw === undefined && !bodyOptional) throw new AppError("VALIDATION_ERROR", "The request needs a JSON body.", { issues: [{ loc: ["body"], msg: "Field required", type: "missing" }] });
  if (!schema) return undefined;
  return bodyOptional && (raw === undefined || raw === null) ? null : parseInput(schema, raw, "body");
}

/** A wrong answer is our bug: loud where developers are, see the design of the pipeline. */
function checkOutput(op: Operation, output: unknown): void {
  const result = op.spec.output?.safeParse(output);
  if (result && !result.success) throw new Error(`${op.spec.id} answered outside its schema: ${result.error.message}`);
}
