import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { requireGrant } from "./require-grant";
import { ownerOfKey } from "./uploads.core";
import type { FileAccessQuery } from "./uploads.schemas";

/** Removes the file that the address was signed for; what is gone already is fine. @throws AppError SIGNED_URL_INVALID, SIGNED_URL_EXPIRED */
export async function removeFile(ctx: Ctx, key: string, grant: z.output<typeof FileAccessQuery>): Promise<void> {
  await requireGrant(ctx, "DELETE", { op: grant.op, key, exp: grant.exp, max: null, type: null }, grant.sig);
  await ctx.services.files.delete(key);
  await new Plan(ctx).audit({ action: "file.remove", tenantId: ownerOfKey(key), subject: { type: "file", id: key } }).commit();
}
