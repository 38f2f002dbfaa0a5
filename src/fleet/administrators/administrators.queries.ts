import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { listAdministratorRows } from "../admin-users";
import { toAdministrator, type AdministratorListView } from "./administrators.schemas";

/** Everybody with a role, deactivated ones too, oldest account first. */
export async function listAdministrators(ctx: OwnerCtx): Promise<z.input<typeof AdministratorListView>> {
  return { administrators: (await listAdministratorRows(ctx)).flatMap((row) => (row.role === "user" ? [] : [toAdministrator(row, row.role)])) };
}
