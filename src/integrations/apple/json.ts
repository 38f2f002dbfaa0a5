/** Reading answers whose fields may be missing or of another type. */

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export const textOf = (from: Json, field: string): string | null => {
  const value = from[field];
  return typeof value === "string" && value !== "" ? value : null;
};

export const objectsOf = (from: Json, field: string): readonly Json[] => {
  const value = from[field];
  return Array.isArray(value) ? (value as readonly unknown[]).filter(isObject) : [];
};

/** Milliseconds since the epoch, as a number (signed data) or in a text (receipts). */
export const timeOf = (from: Json, field: string): number | null => {
  const value = from[field];
  const ms = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof ms === "number" && Number.isSafeInteger(ms) && ms >= 0 ? ms : null;
};

/** What a text holds when it is a JSON object. */
export function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
