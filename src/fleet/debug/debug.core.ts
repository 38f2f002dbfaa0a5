/** What a Matrix account's data tells about its secret storage. Names only: what is under them is somebody's secret. */

const DEFAULT_KEY = "m.secret_storage.default_key";
const KEY_PREFIX = "m.secret_storage.key.";
const CROSS_SIGNING = ["m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing"] as const;
const BACKUP = "m.megolm_backup.v1";

export interface SecretStorage {
  readonly has_default_key: boolean;
  readonly default_key_described: boolean;
  readonly key_count: number;
  readonly cross_signing: Readonly<Record<(typeof CROSS_SIGNING)[number], boolean>>;
  readonly has_backup_key: boolean;
  /** Everything that a new device needs to open old messages. */
  readonly complete: boolean;
}

/** @param data account data by type, as the homeserver keeps it; whether by type or under `global` differs between its versions */
export function readSecretStorage(data: Readonly<Record<string, unknown>>): SecretStorage {
  const byType = isObject(data["global"]) ? data["global"] : data;
  const keyName = isObject(byType[DEFAULT_KEY]) ? byType[DEFAULT_KEY]["key"] : null;
  const hasDefault = typeof keyName === "string" && keyName !== "";
  const described = hasDefault && isObject(byType[`${KEY_PREFIX}${keyName}`]);
  const sealed = (type: string): boolean => isObject(byType[type]) && isObject(byType[type]["encrypted"]) && Object.keys(byType[type]["encrypted"]).length > 0;
  const [master, self, user] = CROSS_SIGNING.map(sealed) as [boolean, boolean, boolean];
  return {
    has_default_key: hasDefault,
    default_key_described: described,
    key_count: Object.keys(byType).filter((type) => type.startsWith(KEY_PREFIX)).length,
    cross_signing: { "m.cross_signing.master": master, "m.cross_signing.self_signing": self, "m.cross_signing.user_signing": user },
    has_backup_key: sealed(BACKUP),
    complete: described && master && self && user && sealed(BACKUP),
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
