import { operation } from "../../kernel/operation";
import { backfillPayments } from "./backfill-payments";
import { listPayments } from "./payments.queries";
import { BackfillView, ListPaymentsQuery, PaymentListView } from "./payments.schemas";

const TAG = "subscription";

export const operations = [
  operation({
    id: "fleet.payments.list",
    method: "get",
    path: "/api/v1/subscription/payments",
    tag: TAG,
    summary: "What was billed and paid, newest first",
    auth: ["user"],
    limit: "read",
    query: ListPaymentsQuery,
    output: PaymentListView,
  }).handle(({ query }, ctx) => listPayments(ctx, query)),
  operation({
    id: "fleet.payments.backfill",
    method: "post",
    path: "/api/v1/subscription/payments/backfill",
    tag: TAG,
    summary: "Read all invoices of the caller at the payment provider; may be repeated",
    auth: ["user"],
    limit: "write",
    audit: "payment.backfill",
    output: BackfillView,
  }).handle((_input, ctx) => backfillPayments(ctx)),
];
