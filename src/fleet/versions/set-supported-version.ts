import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { compareVersions } from "../app-versions";
import { toSupportedVersionView, type SetSupportedVersionBody, type SetSupportedVersionView } from "./versions.schemas";
import { listSupportedVersionRows, upsertSupportedVersion, type SupportedVersion } from "./versions.store";

/**
 * Says which version of a component machines should run, from now on and in place of what was said before.
 * @throws AppError VALIDATION_ERROR (a minimum above it)
 */
export async function setSupportedVersion(ctx: OwnerCtx, input: z.output<typeof SetSupportedVersionBody>): Promise<z.input<typeof SetSupportedVersionView>> {
  if (input.min_version != null && compareVersions(input.min_version, input.version) > 0) throw invalidField(["body", "min_version"], "min_version must not be above version");
  return retryLostUpdate(async () => {
    const administrator = await findAccountById(ctx, ctx.actor.userId);
    const known = (await listSupportedVersionRows(ctx)).find((row) => row.component === input.component);
    const row: SupportedVersion = {
      component: input.component,
      supportedVersion: input.version,
      minVersion: input.min_version ?? null,
      notes: input.notes || null,
      updatedBy: administrator?.username ?? null,
      // Never the same twice: the guard tells rows apart by it.
      updatedAt: Math.max(ctx.clock.now(), (known?.updatedAt ?? 0) + 1),
    };
    await new Plan(ctx)
      .guarded(upsertSupportedVersion(ctx, row, known))
      .audit({ action: "supported_version.set", tenantId: null, subject: { type: "supported_version", id: row.component }, detail: { before: known ? audited(known) : null, after: audited(row) } })
      .commit();
    return { ...toSupportedVersionView(row), previous_version: known?.supportedVersion ?? null };
  });
}

const audited = ({ supportedVersion, minVersion, notes }: SupportedVersion) => ({ version: supportedVersion, min_version: minVersion, notes });
