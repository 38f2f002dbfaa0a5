import type { Ctx } from "../../kernel/context";
import { decide, type Decisions } from "./grants.core";
import { listGrantsFor } from "./grants.store";

/** What a principal (a tenant's name, a user's id) may and may not have now, by type of payload, sorted by payload id. What is not listed is not allowed. One read. */
export async function compileGrants(ctx: Ctx, principal: string): Promise<Decisions> {
  return decide(await listGrantsFor(ctx, principal));
}
