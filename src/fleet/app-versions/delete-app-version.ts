import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { AppVersionRef, DeletedAppVersionView } from "./app-versions.schemas";
import { deleteAppVersionRow, findAppVersion } from "./app-versions.store";
import { releaseFacts } from "./release-rules";

/** Withdraws a release; the one before it is the latest again. @throws AppError NOT_FOUND */
export function deleteAppVersion(ctx: OwnerCtx, ref: z.output<typeof AppVersionRef>): Promise<z.input<typeof DeletedAppVersionView>> {
  return retryLostUpdate(async () => {
    const row = await findAppVersion(ctx, ref.version_id);
    if (!row) throw notFound("Version");
    await new Plan(ctx)
      .guarded(deleteAppVersionRow(ctx, row))
      .audit({ action: "app_version.delete", tenantId: null, subject: { type: "app_version", id: row.id }, detail: { before: releaseFacts(row), after: null } })
      .commit();
    return { message: `Version ${row.appVersion} of ${row.platform} deleted.` };
  });
}
