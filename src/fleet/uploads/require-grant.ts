import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { isGrantGenuine, type FileGrant } from "./file-grant";

/** Lets nobody pass whose address we did not sign for exactly this, or whose time is over. @throws AppError SIGNED_URL_INVALID, SIGNED_URL_EXPIRED */
export async function requireGrant(ctx: Ctx, method: FileGrant["op"], grant: FileGrant, sig: string): Promise<void> {
  if (grant.op !== method || !(await isGrantGenuine(ctx.config.tokenKeys, grant, sig))) throw new AppError("SIGNED_URL_INVALID", "This address is not signed for what you do.");
  if (grant.exp * SECOND_MS <= ctx.clock.now()) throw new AppError("SIGNED_URL_EXPIRED", "This address has expired; ask for a new one.");
}
