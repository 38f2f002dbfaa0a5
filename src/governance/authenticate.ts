import type { Actor } from "../kernel/auth/actor";
import { bearerOf } from "../kernel/auth/authenticate";
import { identify } from "../kernel/auth/external-identity";
import { requireLive } from "../kernel/auth/liveness";
import type { Ctx } from "../kernel/context";
import { sha256, timingSafeEqual } from "../kernel/crypto/bytes";
import { AppError } from "../kernel/errors/app-error";
import type { FamilyAuthenticator } from "../kernel/family";
import type { AuthKind } from "../kernel/operation";
import { authenticateAccessToken } from "./access-tokens";
import { findBrowserSession, isFromOurPage } from "./auth";
import { governanceConfig } from "./config";
import { refusal } from "./errors";
import { authenticateModelKey } from "./model-keys";
import { authenticateTenantToken } from "./tenant-sessions";

type Allowed = readonly AuthKind[];

/** Requests that change nothing, so that it does no harm when another site's page makes a browser send them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Who is asking: by a token, or else by a browser's session. Nobody passes because nothing is configured.
 * @throws UNAUTHORIZED (no credential), FORBIDDEN (a bad one, an ended one, one of another kind; a session that another site's page uses)
 */
export const authenticate: FamilyAuthenticator = async (ctx, request, auth) => {
  const token = bearerOf(request.headers);
  if (token !== null) return admit(await recognize(ctx, token, auth), auth);
  const brief = socketToken(request, auth);
  if (brief !== null) return admit(await recognizeTenant(ctx, brief), auth);
  if (request.headers.has("authorization")) throw new AppError("FORBIDDEN", "Send the token as `Authorization: Bearer …`.");
  const person = await findBrowserSession(ctx, request.headers);
  if (!person) throw refusal("UNAUTHORIZED", "Send a token as `Authorization: Bearer …`, or sign in.");
  if (!SAFE_METHODS.has(request.method) && !isFromOurPage(ctx, request.headers)) throw new AppError("FORBIDDEN", "A browser's session acts only for our own pages.");
  return admit(person, auth);
};

/** Browsers cannot send headers with a socket. Addresses are written down on their way, so only what ends in minutes may stand in one. */
function socketToken(request: Request, auth: Allowed): string | null {
  if (!auth.includes("tenant") || request.headers.get("upgrade")?.toLowerCase() !== "websocket") return null;
  return new URL(request.url).searchParams.get("token");
}

function admit(actor: Actor, auth: Allowed): Actor {
  if (auth.includes("session")) {
    if ((actor.type === "operator" || actor.type === "member") && actor.session !== null) return actor;
    if (actor.type === "operator" && !auth.includes("operator")) throw refusal("UNAUTHORIZED", "This needs a browser in which somebody is signed in.");
  }
  switch (actor.type) {
    case "operator":
    case "tenant":
    case "modelKey":
    case "user":
    case "cliToken":
      if (auth.includes(actor.type)) return actor;
  }
  throw new AppError("FORBIDDEN", "This needs another kind of credential.");
}

async function recognizeTenant(ctx: Ctx, token: string): Promise<Actor> {
  const tenant = await authenticateTenantToken(ctx, token);
  if (!tenant) throw badCredential();
  return tenant;
}

async function recognize(ctx: Ctx, token: string, auth: Allowed): Promise<Actor> {
  const { staticToken } = governanceConfig(ctx);
  // Hashed, so that not even the length shows in how long it takes.
  if (staticToken !== null && timingSafeEqual(await sha256(token), await sha256(staticToken))) return { type: "operator", id: "static", label: "static token", session: null };
  const known = (await authenticateAccessToken(ctx, token)) ?? (await authenticateModelKey(ctx, token));
  if (known) return known;
  if (token.split(".").length === 3) {
    const tenant = await authenticateTenantToken(ctx, token);
    if (tenant) return tenant;
  }
  const actor = await identify(ctx, token).catch((error: unknown) => {
    throw asBadCredential(error);
  });
  if (actor.type !== "user" || !auth.includes("operator")) return actor;
  // Asked of D1, not of the token: a role that was given or taken away counts at once.
  const role = await requireLive({ ...ctx, actor }).catch((error: unknown) => {
    throw asBadCredential(error);
  });
  return role === "admin" || role === "superadmin" ? { type: "operator", id: `user:${actor.userId}`, label: actor.sub, session: null } : actor;
}

/** On this wire 401 means that there was no credential at all. */
const asBadCredential = (error: unknown): unknown => (error instanceof AppError && error.status === 401 ? badCredential(error) : error);

const badCredential = (cause?: unknown) => new AppError("FORBIDDEN", "The token is not valid, or not any more.", { cause });
