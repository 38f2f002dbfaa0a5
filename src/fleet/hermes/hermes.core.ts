/** Rules of Hermes bots. No I/O. */

/** Most log lines of one answer. */
export const LINES_MAX = 2_000;
const CONTAINER_ID_MAX_CHARS = 128;

/** The container of a bot, as its machine told in `capabilities.hermes.containers`; null when it told none. */
export function containerIdOf(capabilities: Readonly<Record<string, unknown>> | null, botId: string): string | null {
  const containers = fieldsOf(fieldsOf(capabilities?.["hermes"])["containers"]);
  const told = Object.hasOwn(containers, botId) ? containers[botId] : undefined;
  const id = typeof told === "string" ? told : fieldsOf(told)["id"];
  return typeof id === "string" && id !== "" && id.length <= CONTAINER_ID_MAX_CHARS ? id : null;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => (value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {});

/** What is known of a bot's first start. */
export interface Bootstrapped {
  /** The key that was stored first; null when none was. */
  readonly recoveryKey: string | null;
  readonly runtimeVersion: string | null;
  /** ms */
  readonly bootstrappedAt: number | null;
}

/** What a report of a first start changes: the first key stays for ever, the image is always the newest told. */
export function decideBootstrap(known: Bootstrapped, told: { readonly recoveryKey: string; readonly imageRef: string | null }, now: number) {
  const isFirst = known.recoveryKey === null;
  return {
    /** Whether the key we keep is the one told. */
    persisted: isFirst || known.recoveryKey === told.recoveryKey,
    isFirst,
    bootstrappedAt: known.bootstrappedAt ?? (isFirst ? now : null),
    runtimeVersion: told.imageRef ?? known.runtimeVersion,
  };
}
