/** What the homeserver sorts rooms by. */
export const ROOM_ORDERS = [
  "name",
  "canonical_alias",
  "joined_members",
  "joined_local_members",
  "version",
  "creator",
  "encryption",
  "federatable",
  "public",
  "join_rules",
  "guest_access",
  "history_visibility",
  "state_events",
] as const;

const DIRECTIONS: Readonly<Record<string, "f" | "b">> = { f: "f", asc: "f", ascending: "f", b: "b", desc: "b", descending: "b" };

/** The homeserver's own word for a direction; undefined when it is none. */
export const toDirection = (text: string): "f" | "b" | undefined => DIRECTIONS[text.toLowerCase()];
