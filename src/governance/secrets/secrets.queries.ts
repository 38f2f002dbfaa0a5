import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { unseal } from "../../kernel/crypto/envelope";
import { secretSealContext } from "./secrets.core";
import { toSecretView, type SecretListView } from "./secrets.schemas";
import { findSealedValue, listSecretRows } from "./secrets.store";

/** Names and times of all secrets, by name. */
export const listSecrets = async (ctx: Ctx): Promise<z.input<typeof SecretListView>> => (await listSecretRows(ctx)).map(toSecretView);

/** A secret's value, for use on the spot; null when there is none, or its key is gone. Never to be answered, logged or stored. */
export async function readSecret(ctx: Ctx, name: string): Promise<string | null> {
  const sealed = await findSealedValue(ctx, name);
  return sealed === null ? null : unseal(ctx.config.sealKeys, sealed, secretSealContext(name));
}
