import type { MatrixConfig } from "../../kernel/config";
import type { MatrixAccount, MatrixAccountChanges, MatrixAdmin } from "../../kernel/ports/matrix";
import { createAdminRooms } from "./admin-rooms";
import { bodyOf, bodyOrNull, isObject, path, refused, unexpected, type Credential, type Json, type MatrixHttp, type MatrixReply } from "./http";
import { readText, readTexts, toAccountPage, toDevices, toMediaPage, toOneAccount } from "./mapper";
import { createRegistration } from "./registration";

/** Synapse's administration, with the token of a server administrator. */
export function createAdmin(http: MatrixHttp, config: MatrixConfig, adminToken: string): MatrixAdmin {
  const credential: Credential = { token: adminToken, variable: "MATRIX_ADMIN_TOKEN" };
  const call = async (method: string, where: string, body?: unknown, query: Readonly<Record<string, string | number | boolean | undefined>> = {}): Promise<MatrixReply> => {
    const reply = await http.call({ method, path: where, query, credential, body });
    // The only refusal here: the token is nobody's who administers.
    if (reply.status === 403) throw refused(reply);
    return reply;
  };

  const findAccount = async (userId: string): Promise<MatrixAccount | null> => {
    const body = bodyOrNull(await call("GET", path`/_synapse/admin/v2/users/${userId}`));
    return body && toOneAccount(body);
  };
  const put = async (userId: string, body: Json): Promise<void> => {
    const reply = await call("PUT", path`/_synapse/admin/v2/users/${userId}`, body);
    if (reply.status !== 200 && reply.status !== 201) throw unexpected(reply);
  };

  return {
    ...createAdminRooms(http, call, credential),
    register: config.registrationSecret === null ? null : createRegistration(http, config.registrationSecret),
    findAccount,

    async updateAccount(userId, changes) {
      // Putting to somebody unknown would make the account.
      if (!(await findAccount(userId))) return false;
      for (const part of inSteps(changes)) await put(userId, part);
      return true;
    },

    async deactivate(userId, erase) {
      return bodyOrNull(await call("POST", path`/_synapse/admin/v1/deactivate/${userId}`, { erase })) !== null;
    },

    async resetPassword(userId, newPassword, logoutDevices) {
      return bodyOrNull(await call("POST", path`/_synapse/admin/v1/reset_password/${userId}`, { new_password: newPassword, logout_devices: logoutDevices })) !== null;
    },

    async listAccounts({ from, limit, guests, deactivated, name }) {
      return toAccountPage(bodyOf(await call("GET", "/_synapse/admin/v2/users", undefined, { from, limit, guests, deactivated, name })));
    },

    async listDevices(userId) {
      const body = bodyOrNull(await call("GET", path`/_synapse/admin/v2/users/${userId}/devices`));
      return body && toDevices(body);
    },

    async deleteDevices(userId, deviceIds) {
      if (deviceIds.length > 0) bodyOrNull(await call("POST", path`/_synapse/admin/v2/users/${userId}/delete_devices`, { devices: deviceIds }));
    },

    async joinedRooms(userId) {
      const body = bodyOrNull(await call("GET", path`/_synapse/admin/v1/users/${userId}/joined_rooms`));
      return body ? readTexts(body, "joined_rooms") : [];
    },

    async accountData(userId) {
      const body = bodyOrNull(await call("GET", path`/_synapse/admin/v1/users/${userId}/accountdata`));
      return body && (isObject(body["account_data"]) ? body["account_data"] : {});
    },

    async version() {
      return readText(bodyOf(await call("GET", "/_synapse/admin/v1/server_version")), "server_version");
    },

    async listMediaUse({ from, limit }) {
      return toMediaPage(bodyOf(await call("GET", "/_synapse/admin/v1/statistics/users/media", undefined, { from, limit })));
    },

    async raw(method, where, body) {
      const { status, headers, text } = await http.exchange({ method, path: where, credential, body });
      return { status, headers: Object.fromEntries(headers), text };
    },
  };
}

/** An erased account cannot come back and take a name in one call: that is a 500 every time. */
function inSteps({ password, logoutDevices, displayName, deactivated }: MatrixAccountChanges): Json[] {
  const access = {
    ...(deactivated === undefined ? {} : { deactivated }),
    ...(password === undefined ? {} : { password, ...(logoutDevices === undefined ? {} : { logout_devices: logoutDevices }) }),
  };
  const name = displayName === undefined ? {} : { displayname: displayName };
  const steps = deactivated === false ? [access, name] : [{ ...access, ...name }];
  return steps.filter((step) => Object.keys(step).length > 0);
}
