import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { findAccountId, findLivingTenant, type LivingTenant } from "./tenant-machines.store";

/** @throws AppError TENANT_NOT_FOUND */
export async function requireTenant(ctx: Ctx, name: string): Promise<LivingTenant> {
  const tenant = await findLivingTenant(ctx, name);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", `There is no tenant ${name}.`);
  return tenant;
}

/** The account of an owner. Without a verified, active one there is nothing of theirs to take on. @throws AppError NOT_FOUND naming `noun` */
export async function requireAccountId(ctx: Ctx, email: string, noun: string): Promise<number> {
  const userId = await findAccountId(ctx, email);
  if (userId === null) throw notFound(noun);
  return userId;
}
