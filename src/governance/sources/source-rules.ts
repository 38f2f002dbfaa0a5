import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { readOutsideUrl } from "../../kernel/http/outside-url";
import { isSyncable, type SourceKind } from "./sources.core";
import type { UpdateSourceBody } from "./sources.schemas";
import { SOURCE_UNIQUE } from "./sources.store";

/** What a body means, whichever vocabulary it was written in. */
export const meant = ({ kind, type, originUrl, url, status, syncStatus }: Pick<z.output<typeof UpdateSourceBody>, "kind" | "type" | "originUrl" | "url" | "status" | "syncStatus">) => ({
  kind: kind ?? type,
  originUrl: originUrl ?? url,
  status: status ?? syncStatus,
});

/** What is looked through must have an address that we ask. @throws AppError VALIDATION_ERROR */
export function requireOrigin(ctx: Ctx, kind: SourceKind, originUrl: string): void {
  if (isSyncable(kind) && !readOutsideUrl(originUrl, ctx.config.environment === "local")) throw invalidField(["body", "originUrl"], "Not an https address of a public host");
}

/** What a failed commit means to the caller. */
export const nameTaken = (error: unknown, name: string): unknown => (isUniqueViolation(error, SOURCE_UNIQUE) ? new AppError("CONFLICT", `There is already a source named ${name}.`) : error);
