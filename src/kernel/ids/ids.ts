/** Random and time-sortable identifiers. One place, so that no feature invents its own. */

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** `length` random bytes from the platform's generator. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A random UUID (version 4), the id of tokens and other rows that clients parse as UUIDs. */
export const newUuid = (): string => crypto.randomUUID();

/** 10 characters of time (ms) and 10 random ones, Crockford base 32: sorts by creation. */
export function sortableId(nowMs: number): string {
  let time = nowMs;
  let head = "";
  for (let i = 0; i < 10; i++) {
    head = (CROCKFORD[time % 32] ?? "0") + head;
    time = Math.floor(time / 32);
  }
  let tail = "";
  for (const byte of randomBytes(10)) tail += CROCKFORD[byte % 32];
  return head + tail;
}

export type PrefixedId<P extends string> = `${P}_${string}`;

/** A prefixed, time-sortable id, for example `eff_01k…`. */
export function newId<P extends string>(prefix: P, nowMs: number): PrefixedId<P> {
  return `${prefix}_${sortableId(nowMs)}`;
}

/** Six decimal digits without modulo bias. */
export function sixDigits(): string {
  for (;;) {
    const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
    if (value < 4_294_000_000) return String(value % 1_000_000).padStart(6, "0");
  }
}
