import type { MatrixConfig } from "../../kernel/config";
import type { Matrix } from "../../kernel/ports/matrix";
import { createAdmin } from "./admin";
import { createBots } from "./bots";
import { createHttp, unexpected } from "./http";
import { deviceOrNull, readText, toLogin } from "./mapper";

/** The homeserver: client-server API v3, Synapse's for administration. */
export function createMatrix(config: MatrixConfig): Matrix {
  const http = createHttp(config);
  return {
    async login(username, password) {
      const body = { type: "m.login.password", identifier: { type: "m.id.user", user: username }, password };
      const reply = await http.callWithLimit({ method: "POST", path: "/_matrix/client/v3/login", body });
      if ("waitSeconds" in reply) return { kind: "limited", retryAfterSeconds: reply.waitSeconds };
      if (reply.status === 200) return toLogin(reply.body);
      if (reply.errcode === "M_USER_DEACTIVATED") return { kind: "deactivated" };
      if (reply.status === 400 || reply.status === 401 || reply.status === 403) return { kind: "refused" };
      throw unexpected(reply);
    },
    async whoami(accessToken) {
      const reply = await http.call({ method: "GET", path: "/_matrix/client/v3/account/whoami", credential: { token: accessToken, variable: null } });
      if (reply.status === 401 || reply.status === 403) return null;
      if (reply.status !== 200) throw unexpected(reply);
      return { userId: readText(reply.body, "user_id"), deviceId: deviceOrNull(reply.body) };
    },
    admin: config.adminToken === null ? null : createAdmin(http, config, config.adminToken),
    bots: config.botToken === null ? null : createBots(http, config.botToken),
  };
}
