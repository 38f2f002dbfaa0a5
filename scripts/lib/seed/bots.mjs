import { createRandom } from "./random.mjs";
import { DAY_MS } from "./world.mjs";

/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./insert.mjs").TableOfRows} TableOfRows */
/** @typedef {{ seal: (text: string, context: string) => string, hashPairCode: (code: string) => string }} Sealer */

const CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const DEVICE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const TEN_MINUTES_MS = 600_000;

/** Tables of bots. Nothing of them is left to do: no row waits for the homeserver. @param {World} world @param {Sealer} sealer @returns {TableOfRows[]} */
export const botTables = (world, sealer) => [bots(world, sealer), pairings(world, sealer), rooms(world), groups(world), shares(world)];

/** @param {World} world @param {Sealer} sealer @returns {TableOfRows} */
function bots({ options: { seed, until, serverName }, bots: all }, { seal }) {
  const random = createRandom(seed, "bot rows");
  return {
    table: "bots",
    columns: ["id", "tenant_id", "username", "matrix_id", "name", "runtime", "status", "sharing_enabled", "matrix_state", "device_id", "sealed_token", "instance_id", "pairing_id", "plan_disabled_at", "deleted_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const { id, owner, machine, username, name, createdAt, status, parked, pairingId } of all) {
        const isUp = status === "active" && !parked;
        const deletedAt = status === "deleted" ? createdAt + random.integer(Math.max(1, until - createdAt)) : null;
        const parkedAt = parked ? until - random.integer(30 * DAY_MS) : null;
        const token = isUp ? seal(`seed_${random.hex(24)}`, `bot_token:${id}`) : null;
        yield [
          id, owner.id, username, `@${username}_bot:${serverName}`, name, random.happens(0.15) ? "hermes" : "openclaw", status, random.happens(0.8) ? 1 : 0, isUp ? "up" : "down",
          `BC${random.text(DEVICE_ALPHABET, 10)}`, token, machine?.instanceId ?? null, pairingId, parkedAt, deletedAt, createdAt, deletedAt ?? parkedAt ?? createdAt,
        ];
      }
    })(),
  };
}

/** @param {World} world @param {Sealer} sealer @returns {TableOfRows} */
function pairings({ options: { seed }, bots: all }, { seal, hashPairCode }) {
  const random = createRandom(seed, "pairings");
  return {
    table: "pairings",
    columns: ["id", "tenant_id", "bot_id", "code_hash", "sealed_code", "target_instance_id", "status", "instance_id", "expires_at", "redeemed_at", "claimed_at", "closed_at", "close_reason", "created_at", "updated_at"],
    rows: (function* () {
      let serial = 0;
      for (const { id, owner, machine, pairingId, createdAt, parked } of all) {
        if (machine === null || pairingId === null) continue;
        // Eight characters of chance would meet; the last five count.
        let [code, rest] = [random.text(CODE_ALPHABET, 3), serial++];
        for (let digit = 0; digit < 5; digit++) [code, rest] = [code + CODE_ALPHABET[rest % CODE_ALPHABET.length], Math.floor(rest / CODE_ALPHABET.length)];
        const shown = `BCK-${code.slice(0, 4)}-${code.slice(4)}`;
        const at = createdAt + 30_000;
        yield [
          pairingId, owner.id, id, hashPairCode(shown), seal(shown, `pairing:${pairingId}`), random.happens(0.5) ? machine.instanceId : null, parked ? "closed" : "redeemed", machine.instanceId,
          createdAt + TEN_MINUTES_MS, at, at + 5_000, parked ? at + DAY_MS : null, parked ? "plan_disabled" : null, createdAt, parked ? at + DAY_MS : at,
        ];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function rooms({ options: { seed, serverName }, bots: all }) {
  const random = createRandom(seed, "rooms");
  return {
    table: "bot_rooms",
    columns: ["tenant_id", "bot_id", "room_id", "mode", "state", "created_at", "updated_at"],
    rows: (function* () {
      for (const { id, owner, status, parked, createdAt } of all) {
        if (status !== "active" || parked) continue;
        for (let left = random.pick([0, 0, 1, 1, 2]); left > 0; left--) yield [owner.id, id, `!${random.hex(18)}:${serverName}`, random.pick(["auto", "mention"]), "joined", createdAt + 60_000, createdAt + 60_000];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function groups({ options: { seed, serverName }, bots: all }) {
  const random = createRandom(seed, "groups");
  return {
    table: "bot_groups",
    columns: ["id", "tenant_id", "bot_matrix_id", "members", "room_id", "state", "created_at", "updated_at"],
    rows: (function* () {
      for (const { owner, username, status, parked, createdAt } of all) {
        if (status !== "active" || parked || !random.happens(0.02)) continue;
        yield [random.uuid(), owner.id, `@${username}_bot:${serverName}`, JSON.stringify([`@${owner.username}:${serverName}`]), `!${random.hex(18)}:${serverName}`, "open", createdAt + 60_000, createdAt + 60_000];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function shares({ options: { seed, until, serverName }, bots: all, owners }) {
  const random = createRandom(seed, "shares");
  return {
    table: "bot_shares",
    columns: ["tenant_id", "bot_id", "recipient_id", "recipient_matrix_id", "expires_at", "ended_at", "end_reason", "created_at", "updated_at"],
    rows: (function* () {
      /** @type {Map<number, number>} */
      const held = new Map();
      for (const { id, owner, status, parked, createdAt } of all) {
        const recipient = random.pick(owners);
        const [isWanted, isOver, endsSome] = [random.happens(0.12), random.happens(0.3), random.happens(0.2)];
        if (status !== "active" || parked || !isWanted || recipient === owner) continue;
        const count = (held.get(owner.id) ?? 0) + (isOver ? 0 : 1);
        if (!isOver && owner.parks && count > owner.plan.shares) continue;
        held.set(owner.id, count);
        const at = createdAt + random.integer(Math.max(1, until - createdAt));
        yield [owner.id, id, recipient.id, `@${recipient.username}:${serverName}`, endsSome ? until + 90 * DAY_MS : null, isOver ? at : null, isOver ? random.pick(["revoked", "left"]) : null, createdAt, at];
      }
    })(),
  };
}
