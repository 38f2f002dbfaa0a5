import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { isLastSuperadmin, type Account } from "./accounts.store";

/** Called before somebody loses the role or the account. The commit must repeat it, see `othersAreSuperadmin`. @throws AppError LAST_SUPERADMIN */
export async function requireOtherSuperadmin(ctx: Ctx, user: Pick<Account, "id" | "role">): Promise<void> {
  if (user.role === "superadmin" && (await isLastSuperadmin(ctx, user.id))) throw new AppError("LAST_SUPERADMIN", "This is the last superadministrator; make another one first.");
}
