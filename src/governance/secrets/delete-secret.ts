import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import type { DeletedSecretView, SecretRef } from "./secrets.schemas";
import { deleteSecretRow, findSecretTimes } from "./secrets.store";

/** Forgets a secret. Credentials that name it stay, and cannot be used until it is there again. @throws SECRET_NOT_FOUND */
export function deleteSecret(ctx: Ctx, { name }: z.output<typeof SecretRef>): Promise<z.input<typeof DeletedSecretView>> {
  return retryLostUpdate(async () => {
    const found = await findSecretTimes(ctx, name);
    if (!found) throw refusal("SECRET_NOT_FOUND", "Secret not found.");
    await new Plan(ctx)
      .guarded(deleteSecretRow(ctx, found))
      .audit(governed({ action: "secret.delete", kind: "Secret", key: name }))
      .commit();
    return { name, status: "deleted" as const };
  });
}
