/** The password between sign-up and verification, in memory only, so that the new account can be signed in without asking again. */
interface PendingSignUp {
  email: string;
  password: string;
  codeSentAtMs: number;
}

let pending: PendingSignUp | null = null;

export function recordPendingSignUp(next: PendingSignUp): void {
  pending = next;
}

export function findPendingSignUp(email: string): PendingSignUp | null {
  return pending !== null && pending.email.toLowerCase() === email.toLowerCase() ? pending : null;
}

export function deletePendingSignUp(): void {
  pending = null;
}
