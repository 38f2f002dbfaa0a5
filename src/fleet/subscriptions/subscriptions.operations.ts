import { operation } from "../../kernel/operation";
import { cancelChange, cancelSubscription } from "./cancel-subscription";
import { changePlan } from "./change-plan";
import { createCheckout } from "./create-checkout";
import { createPortal } from "./create-portal";
import { getSubscription } from "./subscriptions.queries";
import { CancelChangeView, CancelView, ChangePlanBody, ChangePlanView, CheckoutBody, CheckoutView, PortalBody, PortalView, SubscriptionView } from "./subscriptions.schemas";

const TAG = "subscription";

export const operations = [
  operation({
    id: "fleet.subscriptions.get",
    method: "get",
    path: "/api/v1/subscription",
    tag: TAG,
    summary: "The caller's plan, why they are on it, and what waits to change",
    auth: ["user"],
    limit: "read",
    output: SubscriptionView,
  }).handle((_input, ctx) => getSubscription(ctx)),
  operation({
    id: "fleet.subscriptions.checkout",
    method: "post",
    path: "/api/v1/subscription/checkout",
    tag: TAG,
    summary: "A page to pay for a plan on; the same page when asked again",
    auth: ["user"],
    limit: "write",
    audit: "subscription.checkout",
    body: CheckoutBody,
    output: CheckoutView,
  }).handle(({ body }, ctx) => createCheckout(ctx, body)),
  operation({
    id: "fleet.subscriptions.portal",
    method: "post",
    path: "/api/v1/subscription/portal",
    tag: TAG,
    summary: "A page to manage cards and invoices on",
    auth: ["user"],
    limit: "write",
    body: PortalBody,
    bodyOptional: true,
    output: PortalView,
  }).handle(({ body }, ctx) => createPortal(ctx, body)),
  operation({
    id: "fleet.subscriptions.cancel",
    method: "post",
    path: "/api/v1/subscription/cancel",
    tag: TAG,
    summary: "Let the subscription end with its paid period; may be repeated",
    auth: ["user"],
    limit: "write",
    audit: "subscription.cancel",
    output: CancelView,
  }).handle((_input, ctx) => cancelSubscription(ctx)),
  operation({
    id: "fleet.subscriptions.change-plan",
    method: "post",
    path: "/api/v1/subscription/change-plan",
    tag: TAG,
    summary: "Another plan: more from now on, less from the end of the paid period",
    auth: ["user"],
    limit: "write",
    audit: "subscription.upgrade",
    body: ChangePlanBody,
    output: ChangePlanView,
  }).handle(({ body }, ctx) => changePlan(ctx, body)),
  operation({
    id: "fleet.subscriptions.cancel-change",
    method: "delete",
    path: "/api/v1/subscription/cancel-change",
    tag: TAG,
    summary: "Take back a change of plan that waits, or a cancellation",
    auth: ["user"],
    limit: "write",
    audit: "subscription.cancel_change",
    output: CancelChangeView,
  }).handle((_input, ctx) => cancelChange(ctx)),
];
