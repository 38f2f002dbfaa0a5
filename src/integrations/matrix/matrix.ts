import { AppError } from "../../kernel/errors/app-error";
import type { Matrix, MatrixLogin } from "../../kernel/ports/services";

const TIME_LIMIT_MS = 10_000;
/** What we tell a caller whom the homeserver told to wait without saying how long. */
const DEFAULT_WAIT_SECONDS = 60;

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The homeserver at `baseUrl` (client-server API v3, Synapse's for administration), or null without one. */
export function createMatrix(baseUrl: string | null, adminToken: string | null): Matrix | null {
  if (baseUrl === null) return null;
  const post = async (path: string, body: unknown, token?: string): Promise<Reply> => {
    try {
      const response = await fetch(`${baseUrl}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
        // A redirect would carry the password elsewhere.
        redirect: "manual",
        signal: AbortSignal.timeout(TIME_LIMIT_MS),
      });
      const parsed: unknown = await response.json().catch(() => null);
      return { status: response.status, body: typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {} };
    } catch (error) {
      throw unavailable(error);
    }
  };
  return {
    login: async (username, password) =>
      readLogin(await post("/_matrix/client/v3/login", { type: "m.login.password", identifier: { type: "m.id.user", user: username }, password })),
    deactivate:
      adminToken === null
        ? null
        : async (matrixId) => {
            const { status } = await post(`/_synapse/admin/v1/deactivate/${encodeURIComponent(matrixId)}`, { erase: false }, adminToken);
            if (status !== 200 && status !== 404) throw unavailable(new Error(`the homeserver answered ${status}`));
          },
  };
}

function readLogin({ status, body }: Reply): MatrixLogin {
  const { access_token: accessToken, user_id: userId, device_id: deviceId, errcode, retry_after_ms: wait } = body;
  if (status === 200 && typeof accessToken === "string" && typeof userId === "string" && typeof deviceId === "string") return { kind: "ok", accessToken, userId, deviceId };
  if (errcode === "M_USER_DEACTIVATED") return { kind: "deactivated" };
  if (status === 429) return { kind: "limited", retryAfterSeconds: typeof wait === "number" && wait > 0 ? Math.ceil(wait / 1_000) : DEFAULT_WAIT_SECONDS };
  if (status === 400 || status === 401 || status === 403) return { kind: "refused" };
  throw unavailable(new Error(`the homeserver answered ${status}`));
}

const unavailable = (cause: unknown) => new AppError("MATRIX_UNAVAILABLE", "The Matrix homeserver does not answer as it should; try again later.", { cause });
