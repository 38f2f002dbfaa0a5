import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import type { Account } from "../accounts";

const Time = z.iso.datetime();

export const AdministratorView = z
  .object({ id: z.int(), email: z.string(), name: z.string(), role: z.enum(["admin", "superadmin"]), is_active: z.boolean(), last_login_at: Time.nullable(), created_at: Time })
  .meta({ id: "Administrator" });

export const AdministratorListView = z.object({ administrators: z.array(AdministratorView) }).meta({ id: "AdministratorList" });

export const AppointBody = z.object({ email: z.email().max(254), role: z.enum(["admin", "superadmin"]) }).meta({ id: "AppointAdministrator" });

export const AdministratorRef = z.object({ user_id: z.coerce.number().int() });

export const DismissedView = z.object({ ok: z.boolean(), user_id: z.int(), email: z.string(), role: z.literal("user") }).meta({ id: "AdministratorDismissed" });

export const toAdministrator = (account: Account, role: "admin" | "superadmin"): z.input<typeof AdministratorView> => ({
  id: account.id,
  email: account.email,
  name: account.displayName ?? account.name,
  role,
  is_active: account.status === "active",
  last_login_at: isoOrNull(account.lastSignedInAt),
  created_at: iso(account.createdAt),
});
