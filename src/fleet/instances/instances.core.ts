import { sortableId } from "../../kernel/ids/ids";

/** Longest id a client may use, characters. */
const INSTANCE_ID_MAX = 255;

/** Another name for a machine whose asked id belongs to somebody: the asked one with four random characters. */
export function mintInstanceId(asked: string, nowMs: number): string {
  const suffix = `-${sortableId(nowMs).slice(-4)}`;
  return `${asked.slice(0, INSTANCE_ID_MAX - suffix.length)}${suffix}`;
}
