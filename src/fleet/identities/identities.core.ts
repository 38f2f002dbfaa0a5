const USERNAME_MIN = 5;
const BASE_MAX = 32;

/** A user name like what the issuer calls a person, letters and digits only; `suffix` makes it another one. */
export function usernameFrom(wanted: string, suffix: string): string {
  const base = wanted.toLowerCase().split("@")[0]?.replace(/[^a-z0-9]/g, "").slice(0, BASE_MAX) ?? "";
  return `${base}${suffix}`.length >= USERNAME_MIN ? `${base}${suffix}` : `${base || "user"}${suffix}`.padEnd(USERNAME_MIN, "0");
}
