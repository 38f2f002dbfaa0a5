import { AppError } from "../../kernel/errors/app-error";
import type { Account } from "../accounts";

/** @throws AppError FORBIDDEN for everybody else */
export function admitAdministrators(account: Account): void {
  if (account.role === "user") throw new AppError("FORBIDDEN", "This needs an administrator.");
}
