/**
 * What a homeserver must provide. The client is src/integrations/matrix; verbs see only this.
 *
 * Every method that reaches the homeserver throws AppError MATRIX_UNAVAILABLE (503) when it is down, too slow, over its rate limit
 * (then with `retryAfterSeconds`) or answers what makes no sense, and BAD_GATEWAY (502) when it refuses our own credentials. After
 * either the call may or may not have had its effect. What is a matter of business (taken, unknown, not allowed) is a return value.
 */

/** What the homeserver says to a sign-in. */
export type MatrixLogin =
  | { readonly kind: "ok"; readonly accessToken: string; readonly userId: string; readonly deviceId: string }
  | { readonly kind: "refused" }
  | { readonly kind: "deactivated" }
  | { readonly kind: "limited"; readonly retryAfterSeconds: number };

/** `refused`: not invited, not a member, no power there. `unknown`: no such room. */
export type MatrixRoomAct = "ok" | "refused" | "unknown";

/** One message in a room; encrypted ones have no body. */
export interface MatrixMessage {
  readonly eventId: string;
  readonly sender: string;
  /** `m.room.message` or `m.room.encrypted`. */
  readonly type: string;
  /** ms */
  readonly sentAt: number;
  readonly body: string | null;
  readonly content: Readonly<Record<string, unknown>>;
}

export interface MatrixMember {
  readonly userId: string;
  readonly displayName: string | null;
}

export interface NewMatrixRoom {
  readonly name: string;
  /** Matrix ids; the caller has made sure that they exist. Invites are not accepted by anybody but bots. */
  readonly invite: readonly string[];
  /** Put into `m.room.create` as `org.sett.marker`, so that a room whose answer was lost can be found again. */
  readonly marker: string;
}

/** Bots, driven by our application service. `bot` is a Matrix id inside its namespace. */
export interface MatrixBots {
  /** `taken`: an account of that name exists, deactivated or not. `refused`: the name is outside our namespace. */
  register(localpart: string): Promise<"created" | "taken" | "refused">;
  setDisplayName(bot: string, displayName: string): Promise<void>;
  /** A token for `deviceId`, which is made if it is new; older tokens of the device stay valid. */
  login(bot: string, deviceId: string): Promise<{ readonly kind: "ok"; readonly accessToken: string } | { readonly kind: "unknown" } | { readonly kind: "deactivated" }>;
  createRoom(bot: string, room: NewMatrixRoom): Promise<string>;
  join(bot: string, roomId: string): Promise<MatrixRoomAct>;
  /** Harmless when it is not in there. */
  leave(bot: string, roomId: string): Promise<MatrixRoomAct>;
  /** Inviting who is in already is `ok`. */
  invite(bot: string, roomId: string, userId: string): Promise<MatrixRoomAct>;
  /** The same `txnId` of the same bot sends nothing more within half an hour and answers the same event, unless the homeserver was restarted. Null when the bot may not send there. @throws AppError PAYLOAD_TOO_LARGE as well */
  send(bot: string, roomId: string, txnId: string, content: Readonly<Record<string, unknown>>): Promise<{ readonly eventId: string } | null>;
  /** The newest messages, newest first; null when the bot is not in the room. */
  listMessages(bot: string, roomId: string, limit: number): Promise<readonly MatrixMessage[] | null>;
  joinedRooms(bot: string): Promise<readonly string[]>;
  /** Null when the bot is not in the room. */
  listMembers(bot: string, roomId: string): Promise<readonly MatrixMember[] | null>;
  /** The {@link NewMatrixRoom.marker} of a room that the bot is in; null when it has none. */
  findMarker(bot: string, roomId: string): Promise<string | null>;
}

export interface MatrixAccount {
  readonly userId: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  readonly admin: boolean;
  readonly deactivated: boolean;
  readonly guest: boolean;
  /** ms */
  readonly createdAt: number | null;
  readonly shadowBanned: boolean | null;
  readonly erased: boolean | null;
  readonly locked: boolean | null;
}

export interface MatrixAccountChanges {
  readonly password?: string;
  /** Only beside `password`. False keeps the devices. */
  readonly logoutDevices?: boolean;
  readonly displayName?: string;
  readonly deactivated?: boolean;
}

export interface MatrixDevice {
  readonly deviceId: string;
  readonly displayName: string | null;
  readonly lastSeenIp: string | null;
  readonly lastSeenUserAgent: string | null;
  /** ms */
  readonly lastSeenAt: number | null;
}

export interface MatrixRoom {
  readonly roomId: string;
  readonly name: string | null;
  readonly topic: string | null;
  readonly avatarUrl: string | null;
  readonly canonicalAlias: string | null;
  readonly joinedMembers: number;
  readonly joinedLocalMembers: number;
  readonly joinedLocalDevices: number | null;
  readonly version: string | null;
  readonly creator: string | null;
  readonly encryption: string | null;
  readonly federatable: boolean;
  readonly public: boolean;
  readonly joinRules: string | null;
  readonly guestAccess: string | null;
  readonly historyVisibility: string | null;
  readonly stateEvents: number | null;
}

export interface MatrixPage<T> {
  readonly items: readonly T[];
  readonly total: number;
  /** What to ask for next; null at the end. */
  readonly next: string | null;
}

export interface MatrixMediaUse {
  readonly userId: string;
  readonly displayName: string | null;
  readonly mediaCount: number;
  /** bytes */
  readonly mediaLength: number;
}

/** An answer passed on as it came. */
export interface MatrixRawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What only a server administrator may do. */
export interface MatrixAdmin {
  /** Makes a person's account by the shared secret, atomically. Null when that secret is not configured. */
  readonly register: ((account: { readonly localpart: string; readonly password: string; readonly displayName: string }) => Promise<"created" | "taken">) | null;
  findAccount(userId: string): Promise<MatrixAccount | null>;
  /** Changes an account that exists. False when there is none. An erased one takes password and name in two calls, which this sees to. */
  updateAccount(userId: string, changes: MatrixAccountChanges): Promise<boolean>;
  /** Ends an account there. False when there is none. Rooms are parted in the background. */
  deactivate(userId: string, erase: boolean): Promise<boolean>;
  resetPassword(userId: string, newPassword: string, logoutDevices: boolean): Promise<boolean>;
  listAccounts(query: { readonly from: number; readonly limit: number; readonly guests?: boolean; readonly deactivated?: boolean; readonly name?: string }): Promise<MatrixPage<MatrixAccount>>;
  /** Null when there is no such account. */
  listDevices(userId: string): Promise<readonly MatrixDevice[] | null>;
  deleteDevices(userId: string, deviceIds: readonly string[]): Promise<void>;
  joinedRooms(userId: string): Promise<readonly string[]>;
  accountData(userId: string): Promise<Readonly<Record<string, unknown>> | null>;
  /** Invites `invitee` in the name of the person `userId`, with a token that lives a minute and is ended at once. */
  inviteAs(userId: string, roomId: string, invitee: string): Promise<MatrixRoomAct>;
  listRooms(query: { readonly from: number; readonly limit: number; readonly orderBy?: string; readonly dir: "f" | "b"; readonly search?: string }): Promise<MatrixPage<MatrixRoom>>;
  findRoom(roomId: string): Promise<MatrixRoom | null>;
  /** Matrix ids of who is joined; null when there is no such room. */
  listRoomMembers(roomId: string): Promise<readonly string[] | null>;
  /** Matrix ids of who is invited and has not answered; nobody when there is no such room. */
  listInvitees(roomId: string): Promise<readonly string[]>;
  /** When the room was made, ms; null when it is unknown. */
  findRoomCreation(roomId: string): Promise<number | null>;
  /** Begins to delete a room; answers the id of that work. It answers one for a room that does not exist, too. */
  deleteRoom(roomId: string, how: { readonly block: boolean; readonly purge: boolean }): Promise<string>;
  version(): Promise<string>;
  listMediaUse(query: { readonly from: number; readonly limit: number }): Promise<MatrixPage<MatrixMediaUse>>;
  /** Any call below `/_matrix/` or `/_synapse/`, for administrators who look for a fault. The caller has checked the path. */
  raw(method: string, path: string, body: unknown): Promise<MatrixRawAnswer>;
}

export interface Matrix {
  /** Signs a person in there with their own password. */
  login(username: string, password: string): Promise<MatrixLogin>;
  /** Whom a token belongs to; null when it is dead. */
  whoami(accessToken: string): Promise<{ readonly userId: string; readonly deviceId: string | null } | null>;
  /** Null when no token of a server administrator is configured. */
  readonly admin: MatrixAdmin | null;
  /** Null when no application service is configured. */
  readonly bots: MatrixBots | null;
}
