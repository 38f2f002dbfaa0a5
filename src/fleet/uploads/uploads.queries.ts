import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import type { StoredFile } from "../../kernel/ports/services";
import { requireGrant } from "./require-grant";
import { downloadNameOf } from "./uploads.core";
import type { FileAccessQuery } from "./uploads.schemas";

/** The file that the address was signed for, with the name to save it under. @throws AppError SIGNED_URL_INVALID, SIGNED_URL_EXPIRED, NOT_FOUND */
export async function getFile(ctx: Ctx, key: string, grant: z.output<typeof FileAccessQuery>): Promise<StoredFile & { readonly downloadName: string }> {
  await requireGrant(ctx, "GET", { op: grant.op, key, exp: grant.exp, max: null, type: null }, grant.sig);
  const file = await ctx.services.files.get(key);
  if (!file) throw notFound("File");
  return { ...file, downloadName: downloadNameOf(key) };
}
