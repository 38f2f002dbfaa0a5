import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import type { AccessTokenRef } from "./access-tokens.schemas";
import { deleteTokenRow, findToken } from "./access-tokens.store";

/** Ends a token at once, for good. @throws TOKEN_NOT_FOUND */
export async function deleteAccessToken(ctx: Ctx, { id }: z.output<typeof AccessTokenRef>): Promise<void> {
  const token = await findToken(ctx, id);
  if (!token) throw tokenNotFound();
  try {
    await new Plan(ctx)
      .guarded(deleteTokenRow(ctx, id))
      .audit(governed({ action: "access_token.delete", kind: "AccessToken", key: id, before: { name: token.name, owner: token.owner } }))
      .commit();
  } catch (error) {
    // Somebody else was first.
    if (error instanceof LostUpdateError) throw tokenNotFound();
    throw error;
  }
}

const tokenNotFound = () => refusal("TOKEN_NOT_FOUND", "Access token not found.");
