/** Why the sign-in page is being shown, said once. */
export type SignInNotice = "revoked" | "expired" | "signed-out" | "signed-out-everywhere" | "verified" | "password-changed";

let notice: SignInNotice | null = null;

export function recordSignInNotice(next: SignInNotice): void {
  notice = next;
}

export function findSignInNotice(): SignInNotice | null {
  return notice;
}

export function deleteSignInNotice(): void {
  notice = null;
}
