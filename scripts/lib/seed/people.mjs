import { createRandom } from "./random.mjs";
import { PLATFORMS } from "./words.mjs";
import { DAY_MS } from "./world.mjs";

/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./insert.mjs").TableOfRows} TableOfRows */
/** @typedef {import("./insert.mjs").Value} Value */

const AGENTS = ["Sett/1.0 (iOS)", "Sett/1.0 (Android)", "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Macintosh)", "sett-cli/0.1"];
/** An address of the range that is reserved for documents. @param {import("./random.mjs").Random} random */
export const address = (random) => `${random.pick(["192.0.2", "198.51.100", "203.0.113"])}.${random.integer(254) + 1}`;

/** Tables of people and how they sign in. @param {World} world @param {string} passwordHash of everybody @param {{ tokenKeyId: string }} keys @returns {TableOfRows[]} */
export function peopleTables(world, passwordHash, { tokenKeyId }) {
  return [users(world, passwordHash), codes(world), sessions(world), tokens(world, tokenKeyId), tokenEvents(world), devices(world), notifications(world)];
}

/** @param {World} world @param {string} passwordHash @returns {TableOfRows} */
function users({ options: { seed, until, serverName }, people }, passwordHash) {
  const random = createRandom(seed, "users");
  return {
    table: "users",
    columns: ["id", "sub", "email", "email_key", "username", "name", "display_name", "phone_number", "phone_key", "matrix_id", "matrix_account_created", "password_hash", "role", "status", "account_verified", "plan_key", "trial_ends_at", "agreed_terms", "agreed_privacy", "last_signed_in_at", "deletion_status", "deleted_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const person of people) {
        const { id, sub, email, username, name, role, standing, plan, by, trialEndsAt, createdAt } = person;
        const phone = random.happens(0.4) ? `+4930${String(1_000_000 + id).padStart(9, "0")}` : null;
        const ended = standing === "deleted" || standing === "deactivated" ? createdAt + Math.floor((until - createdAt) * random.unit()) : null;
        const isVerified = standing !== "unverified";
        /** @type {Value[]} */
        const row = [id, sub, email, email.toLowerCase(), username, name, random.happens(0.6) ? name.split(" ")[0] ?? name : null, phone, phone, `@${username}:${serverName}`, isVerified ? 1 : 0, passwordHash, role];
        row.push(standing === "deleted" ? "deleted" : standing === "deactivated" ? "deactivated" : "active", isVerified ? 1 : 0, by === "operator" || role !== "user" ? (role === "user" ? plan.key : "team") : null, trialEndsAt, 1, 1);
        row.push(isVerified ? until - random.integer(Math.max(1, until - createdAt)) : null, standing === "deleted" ? "deleted_by_owner" : standing === "deactivated" ? random.pick(["deactivated_by_owner", "deactivated_by_admin"]) : null, standing === "deleted" ? ended : null, createdAt, ended ?? createdAt);
        yield row;
      }
    })(),
  };
}

/** Codes of those who never verified. They have expired: nobody knows them. @param {World} world @returns {TableOfRows} */
function codes({ options: { seed }, people }) {
  const random = createRandom(seed, "codes");
  return {
    table: "one_time_codes",
    columns: ["tenant_id", "purpose", "code_hash", "attempts", "expires_at", "sent_at"],
    rows: (function* () {
      for (const { id, standing, createdAt } of people) if (standing === "unverified") yield [id, "verify_email", random.hex(64), 0, createdAt + 600_000, createdAt];
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function sessions({ options: { seed, until }, people }) {
  const random = createRandom(seed, "sessions");
  return {
    table: "sessions",
    columns: ["tenant_id", "refresh_hash", "device_name", "platform", "ip_address", "user_agent", "created_at", "last_seen_at", "expires_at", "revoked_at"],
    rows: (function* () {
      for (const { id, standing, createdAt } of people) {
        if (standing === "unverified") continue;
        for (let left = random.integer(6); left > 0; left--) {
          const at = until - random.integer(Math.min(90 * DAY_MS, until - createdAt));
          const seen = at + random.integer(until - at + 1);
          const revoked = standing !== "active" || random.happens(0.4) ? seen : null;
          const platform = random.pick(PLATFORMS);
          yield [id, random.hex(64), `${platform} device`, platform, address(random), random.pick(AGENTS), at, seen, at + 90 * DAY_MS, revoked];
        }
      }
    })(),
  };
}

/** Every second machine has a token, and some have none. @param {World} world */
function* boundTokens({ options: { seed }, machines }) {
  const random = createRandom(seed, "tokens");
  for (const machine of machines) if (random.happens(0.5)) yield { id: random.uuid(), machine };
}

/** Nobody holds these tokens: their hashes are of nothing. @param {World} world @param {string} keyId @returns {TableOfRows} */
function tokens(world, keyId) {
  const { seed, until } = world.options;
  const random = createRandom(seed, "token facts");
  return {
    table: "cli_tokens",
    columns: ["id", "tenant_id", "name", "token_hash", "token_prefix", "key_id", "scopes", "revoked_at", "bound_instance_id", "bound_at", "last_used_at", "last_used_ip", "use_count", "created_at", "updated_at"],
    rows: (function* () {
      for (const { id, machine } of boundTokens(world)) {
        const { owner, instanceId, createdAt, archivedAt } = machine;
        const used = createdAt + random.integer(Math.max(1, until - createdAt));
        yield [id, owner.id, `token of ${instanceId}`, random.hex(64), `sett_cli_${random.hex(8)}`, keyId, '["cli"]', archivedAt, instanceId, createdAt, used, address(random), random.integer(10_000), createdAt, used];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function tokenEvents(world) {
  const random = createRandom(world.options.seed, "token events");
  return {
    table: "cli_token_events",
    columns: ["tenant_id", "token_id", "event_type", "event_detail", "source_ip", "user_agent", "instance_id", "occurred_at"],
    rows: (function* () {
      for (const { id, machine } of boundTokens(world)) {
        yield [machine.owner.id, id, "minted", "{}", address(random), "sett-cli/0.1", null, machine.createdAt];
        yield [machine.owner.id, id, "bound", "{}", address(random), "sett-cli/0.1", machine.instanceId, machine.createdAt + 1_000];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function devices({ options: { seed, until }, people }) {
  const random = createRandom(seed, "devices");
  return {
    table: "push_devices",
    columns: ["tenant_id", "device_token", "environment", "platform", "app_id", "device_name", "app_version", "is_active", "last_used_at", "created_at", "updated_at"],
    rows: (function* () {
      for (const { id, standing, createdAt } of people) {
        if (standing !== "active" || !random.happens(0.6)) continue;
        const used = until - random.integer(Math.max(1, until - createdAt));
        const platform = random.pick(["ios", "android"]);
        yield [id, random.hex(64), "production", platform, `example.sett.${platform}`, `${platform} phone`, "1.4.0", random.happens(0.9) ? 1 : 0, used, createdAt, used];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function notifications({ options: { seed, until }, owners }) {
  const random = createRandom(seed, "notifications");
  return {
    table: "notifications",
    columns: ["id", "tenant_id", "event_id", "status", "reason", "platform", "app_id", "created_at", "updated_at"],
    rows: (function* () {
      for (const { id } of owners) {
        for (let left = random.integer(20); left > 0; left--) {
          const at = until - random.integer(60 * DAY_MS);
          const status = random.pick(["sent", "sent", "sent", "not_sent", "rejected"]);
          yield [`ntf_${random.hex(20)}`, id, `$${random.hex(24)}`, status, status === "sent" ? null : "no_active_device", "ios", "example.sett.ios", at, at];
        }
      }
    })(),
  };
}
