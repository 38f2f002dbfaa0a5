import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findCustomer, forgetCustomer, requirePayments } from "../payments";
import { findStripeRow } from "./change-at-provider";
import { returnUrl } from "./return-urls";
import type { PortalBody, PortalView } from "./subscriptions.schemas";

/** A page where the caller manages cards and invoices. @throws AppError NOT_FOUND (never a customer), MANAGED_BY_APPLE, DEPENDENCY_UNAVAILABLE, BAD_GATEWAY */
export async function createPortal(ctx: OwnerCtx, input: z.output<typeof PortalBody> | null): Promise<z.input<typeof PortalView>> {
  const payments = requirePayments(ctx);
  await findStripeRow(ctx, ctx.actor.userId);
  const customer = await findCustomer(ctx, ctx.actor.userId);
  if (!customer) throw notFound("Customer");
  const portal = await payments.createPortal({ customerId: customer.customerId, returnUrl: returnUrl(ctx, input?.return_to ?? "web") });
  if (portal.kind === "created") return { portal_url: portal.url };
  await forgetCustomer(ctx, customer.customerId);
  throw notFound("Customer");
}
