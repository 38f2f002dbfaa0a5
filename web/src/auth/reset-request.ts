import { publicApi, unwrap } from "../api/client";

/** The last wish for a reset code, in memory only, so that the next page knows when another may be sent. */
let last: { email: string; sentAtMs: number } | null = null;

/** The answer is the same whether or not the address has an account. */
export async function requestResetCode(email: string): Promise<void> {
  unwrap(await publicApi.POST("/api/v1/user/forgot-password", { body: { email } }));
  last = { email, sentAtMs: Date.now() };
}

export function findResetRequestedAtMs(email: string): number | null {
  return last !== null && last.email.toLowerCase() === email.toLowerCase() ? last.sentAtMs : null;
}
