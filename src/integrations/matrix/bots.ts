import { AppError } from "../../kernel/errors/app-error";
import type { MatrixBots, MatrixMember, MatrixRoomAct } from "../../kernel/ports/matrix";
import { bodyOf, path, unexpected, type Credential, type MatrixHttp, type MatrixReply } from "./http";
import { readObjects, readText, readTexts, toMembers, toMessage } from "./mapper";

const AS_LOGIN = "m.login.application_service";
const DEVICE_NAME = "Sett";
const MARKER = "org.sett.marker";
const MESSAGE_TYPES = ["m.room.message", "m.room.encrypted"];

/** Bots as our application service drives them: every call but two goes in a bot's name (`?user_id=`). */
export function createBots(http: MatrixHttp, asToken: string): MatrixBots {
  const credential: Credential = { token: asToken, variable: "MATRIX_AS_TOKEN" };
  const as = (bot: string, method: string, where: string, body?: unknown, query: Readonly<Record<string, string | number>> = {}) =>
    http.call({ method, path: where, query: { ...query, user_id: bot }, credential, body });

  const joinedRooms = async (bot: string): Promise<readonly string[]> => {
    return readTexts(bodyOf(await as(bot, "GET", "/_matrix/client/v3/joined_rooms")), "joined_rooms");
  };

  const listMembers = async (bot: string, roomId: string): Promise<readonly MatrixMember[] | null> => {
    const reply = await as(bot, "GET", path`/_matrix/client/v3/rooms/${roomId}/joined_members`);
    if (!isThere(reply)) return null;
    const members = toMembers(reply.body);
    // One of our bots in the room is enough for the homeserver to tell any other.
    return members.some((member) => member.userId === bot) ? members : null;
  };

  return {
    joinedRooms,
    listMembers,

    async register(localpart) {
      const username = localpart.toLowerCase();
      const reply = await http.call({ method: "POST", path: "/_matrix/client/v3/register", credential, body: { type: AS_LOGIN, username, inhibit_login: true } });
      if (reply.status === 200) return "created";
      if (reply.errcode === "M_USER_IN_USE") return "taken";
      if (reply.errcode === "M_EXCLUSIVE" || reply.errcode === "M_INVALID_USERNAME") return "refused";
      throw unexpected(reply);
    },

    async setDisplayName(bot, displayName) {
      bodyOf(await as(bot, "PUT", path`/_matrix/client/v3/profile/${bot}/displayname`, { displayname: displayName }));
    },

    async login(bot, deviceId) {
      const body = { type: AS_LOGIN, identifier: { type: "m.id.user", user: bot }, device_id: deviceId, initial_device_display_name: DEVICE_NAME };
      const reply = await http.call({ method: "POST", path: "/_matrix/client/v3/login", credential, body });
      if (reply.status === 200) return { kind: "ok", accessToken: readText(reply.body, "access_token") };
      if (reply.errcode === "M_USER_DEACTIVATED") return { kind: "deactivated" };
      if (reply.status === 404) return { kind: "unknown" };
      throw unexpected(reply);
    },

    async createRoom(bot, room) {
      const reply = await as(bot, "POST", "/_matrix/client/v3/createRoom", {
        preset: "trusted_private_chat",
        visibility: "private",
        name: room.name,
        invite: room.invite,
        creation_content: { [MARKER]: room.marker },
      });
      return readText(bodyOf(reply), "room_id");
    },

    async join(bot, roomId) {
      return toAct(await as(bot, "POST", path`/_matrix/client/v3/join/${roomId}`, {}));
    },

    async leave(bot, roomId) {
      const act = toAct(await as(bot, "POST", path`/_matrix/client/v3/rooms/${roomId}/leave`, {}));
      // Who was never in there is refused; what counts is that it is not in there.
      return act === "refused" && !(await joinedRooms(bot)).includes(roomId) ? "ok" : act;
    },

    async invite(bot, roomId, userId) {
      const act = toAct(await as(bot, "POST", path`/_matrix/client/v3/rooms/${roomId}/invite`, { user_id: userId }));
      if (act !== "refused") return act;
      // Inviting who is in already is refused with a text that varies.
      return (await listMembers(bot, roomId))?.some((member) => member.userId === userId) ? "ok" : "refused";
    },

    async send(bot, roomId, txnId, content) {
      // The homeserver tells repeats apart by room and id alone, whoever of our bots sends.
      const reply = await as(bot, "PUT", path`/_matrix/client/v3/rooms/${roomId}/send/m.room.message/${`${txnId}.${bot}`}`, content);
      if (reply.status === 413) throw new AppError("PAYLOAD_TOO_LARGE", "The message is too large for Matrix.");
      return isThere(reply) ? { eventId: readText(reply.body, "event_id") } : null;
    },

    async listMessages(bot, roomId, limit) {
      const reply = await as(bot, "GET", path`/_matrix/client/v3/rooms/${roomId}/messages`, undefined, { dir: "b", limit, filter: JSON.stringify({ types: MESSAGE_TYPES }) });
      return isThere(reply) ? readObjects(reply.body, "chunk").map(toMessage) : null;
    },

    async findMarker(bot, roomId) {
      const reply = await as(bot, "GET", path`/_matrix/client/v3/rooms/${roomId}/state/m.room.create`);
      if (!isThere(reply)) return null;
      const marker = reply.body[MARKER];
      return typeof marker === "string" ? marker : null;
    },
  };
}

/** What a room says to somebody who wants to do something in it. */
export function toAct(reply: MatrixReply): MatrixRoomAct {
  if (reply.status === 200) return "ok";
  if (reply.status === 403 || reply.errcode === "M_USER_LOCKED") return "refused";
  // Names that no room can have are a 400.
  if (reply.status === 404 || reply.status === 400) return "unknown";
  throw unexpected(reply);
}

const isThere = (reply: MatrixReply): boolean => toAct(reply) === "ok";
