import type { MatrixAdmin, MatrixRoomAct } from "../../kernel/ports/matrix";
import { toAct } from "./bots";
import { bodyOf, bodyOrNull, path, unexpected, type Credential, type MatrixHttp, type MatrixReply } from "./http";
import { readText, readTexts, toRoom, toInvitees, toRoomCreation, toRoomPage } from "./mapper";

type AdminRooms = Pick<MatrixAdmin, "inviteAs" | "listRooms" | "findRoom" | "listRoomMembers" | "listInvitees" | "findRoomCreation" | "deleteRoom">;
type AdminCall = (method: string, where: string, body?: unknown, query?: Readonly<Record<string, string | number | boolean | undefined>>) => Promise<MatrixReply>;

const PERSON_TOKEN_MS = 60_000;

/** Rooms as a server administrator sees them. */
export function createAdminRooms(http: MatrixHttp, call: AdminCall, administrator: Credential): AdminRooms {
  const listRoomMembers = async (roomId: string): Promise<readonly string[] | null> => {
    const body = bodyOrNull(await call("GET", path`/_synapse/admin/v1/rooms/${roomId}/members`));
    return body && readTexts(body, "members");
  };

  /** A token of somebody, that we must end; the administrator's own stays. Null when there is no such account. */
  const actAs = async (userId: string): Promise<Credential | null> => {
    const reply = await call("POST", path`/_synapse/admin/v1/users/${userId}/login`, { valid_until_ms: Date.now() + PERSON_TOKEN_MS });
    if (reply.status === 200) return { token: readText(reply.body, "access_token"), variable: null };
    if (reply.status === 404) return null;
    // The administrator cannot sign in as itself, and need not.
    if (reply.status === 400) return (await isAdministrator(userId)) ? administrator : null;
    throw unexpected(reply);
  };
  const isAdministrator = async (userId: string): Promise<boolean> => {
    const reply = await call("GET", "/_matrix/client/v3/account/whoami");
    return reply.status === 200 && reply.body["user_id"] === userId;
  };

  const invite = async (credential: Credential, roomId: string, invitee: string): Promise<MatrixRoomAct> => {
    const act = toAct(await http.call({ method: "POST", path: path`/_matrix/client/v3/rooms/${roomId}/invite`, credential, body: { user_id: invitee } }));
    if (act !== "refused") return act;
    // Inviting who is in already is refused as well, and so is inviting into a room that does not exist.
    const members = await listRoomMembers(roomId);
    return members === null ? "unknown" : members.includes(invitee) ? "ok" : "refused";
  };

  return {
    listRoomMembers,

    async inviteAs(userId, roomId, invitee) {
      const credential = await actAs(userId);
      if (!credential) return "refused";
      try {
        return await invite(credential, roomId, invitee);
      } finally {
        // If this fails, the token dies by itself within a minute.
        if (credential !== administrator) await http.call({ method: "POST", path: "/_matrix/client/v3/logout", credential, body: {} }).catch(() => undefined);
      }
    },

    async listRooms({ from, limit, orderBy, dir, search }) {
      return toRoomPage(bodyOf(await call("GET", "/_synapse/admin/v1/rooms", undefined, { from, limit, dir, order_by: orderBy, search_term: search })));
    },

    async findRoom(roomId) {
      const body = bodyOrNull(await call("GET", path`/_synapse/admin/v1/rooms/${roomId}`));
      return body && toRoom(body);
    },

    async listInvitees(roomId) {
      const body = bodyOrNull(await call("GET", path`/_synapse/admin/v1/rooms/${roomId}/state`, undefined, { type: "m.room.member" }));
      return body ? toInvitees(body) : [];
    },

    async findRoomCreation(roomId) {
      const body = bodyOrNull(await call("GET", path`/_synapse/admin/v1/rooms/${roomId}/state`, undefined, { type: "m.room.create" }));
      return body && toRoomCreation(body);
    },

    async deleteRoom(roomId, { block, purge }) {
      return readText(bodyOf(await call("DELETE", path`/_synapse/admin/v2/rooms/${roomId}`, { block, purge })), "delete_id");
    },
  };
}
