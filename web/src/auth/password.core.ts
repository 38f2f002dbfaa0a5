export const PASSWORD_LENGTH_MIN = 8;

type PasswordScore = 0 | 1 | 2 | 3 | 4;

/** A hint, not a gate: length counts most, variety a little, repetition takes away. */
export function ratePassword(password: string): PasswordScore {
  if (password.length < PASSWORD_LENGTH_MIN) return 0;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  const distinct = new Set(password).size;
  if (distinct < 5 || /^(?:password|qwerty|letmein|12345678)/i.test(password)) return 1;
  const points = Math.min(password.length, 20) / 2 + Math.min(distinct, 20) / 2 + kinds * 2;
  if (points >= 19) return 4;
  if (points >= 15) return 3;
  return points >= 12 ? 2 : 1;
}

/** A typing check only; the API decides. */
export const EMAIL_PATTERN = /^\S+@\S+\.\S+$/;
export const EMAIL_EXPECTED = "Enter an e-mail address, such as you@example.org.";

export const USERNAME_PATTERN = /^[A-Za-z0-9]{5,}$/;
