/** Configuration of a Synapse that serves tests: loopback, SQLite, no federation, no rate limits, secrets of its own. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Server part of every Matrix id; AS_USERS names it too. */
export const SERVER_NAME = "localhost";
const AS_USERS = "@[a-z0-9_]+_bot:localhost";

const secret = () => randomBytes(24).toString("base64url");

/**
 * Writes everything Synapse needs into `folder`. Synapse reads JSON where it expects YAML, of which JSON is a part.
 * @param {string} folder empty and private
 * @param {number} port
 */
export function writeSynapseConfig(folder, port) {
  const secrets = { asToken: secret(), registrationSecret: secret() };
  /** @param {string} name */
  const at = (name) => join(folder, name);
  /** @param {string} name @param {unknown} content */
  const write = (name, content) => writeFileSync(at(name), typeof content === "string" ? content : JSON.stringify(content, null, 2), { mode: 0o600 });
  const noLimit = { per_second: 10_000, burst_count: 10_000 };

  write("signing.key", `ed25519 a_test ${randomBytes(32).toString("base64").replace(/=+$/, "")}\n`);
  write("log.json", {
    version: 1,
    formatters: { plain: { format: "%(levelname)s %(name)s %(message)s" } },
    handlers: { console: { class: "logging.StreamHandler", formatter: "plain" } },
    root: { level: "WARNING", handlers: ["console"] },
    disable_existing_loggers: false,
  });
  write("application-service.json", {
    id: "sett",
    url: null,
    as_token: secrets.asToken,
    hs_token: secret(),
    sender_localpart: "sett_as",
    rate_limited: false,
    namespaces: { users: [{ exclusive: true, regex: AS_USERS }], aliases: [], rooms: [] },
  });
  write("homeserver.json", {
    server_name: SERVER_NAME,
    public_baseurl: `http://127.0.0.1:${port}/`,
    pid_file: at("homeserver.pid"),
    listeners: [{ port, type: "http", tls: false, bind_addresses: ["127.0.0.1"], resources: [{ names: ["client"], compress: false }] }],
    database: { name: "sqlite3", args: { database: at("homeserver.db") } },
    signing_key_path: at("signing.key"),
    media_store_path: at("media"),
    log_config: at("log.json"),
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    report_stats: false,
    enable_registration: false,
    registration_shared_secret: secrets.registrationSecret,
    macaroon_secret_key: secret(),
    form_secret: secret(),
    app_service_config_files: [at("application-service.json")],
    ip_range_blacklist: [],
    // Until these are done, reactivating an account answers 500.
    background_updates: { sleep_enabled: false },
    room_list_publication_rules: [{ action: "allow" }],
    // Tests make many accounts; passwords of theirs need no protection.
    bcrypt_rounds: 4,
    presence: { enabled: false },
    rc_login: { address: noLimit, account: noLimit, failed_attempts: noLimit },
    rc_registration: noLimit,
    rc_message: noLimit,
    rc_joins: { local: noLimit, remote: noLimit },
    rc_joins_per_room: noLimit,
    rc_invites: { per_user: noLimit, per_issuer: noLimit, per_room: noLimit },
    rc_admin_redaction: noLimit,
    rc_room_creation: noLimit,
  });
  return { configPath: at("homeserver.json"), ...secrets };
}
