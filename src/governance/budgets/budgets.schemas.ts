import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { AccountStatus, ReserveVerdict, SettleVerdict, SpendReport } from "../../../durable-objects/budget/budget.rpc";
import { isWellFormed, NOT_WELL_FORMED } from "../text.core";
import { ALERT_STATES, CURRENCY, isWholeMicros, MAX_CALL_USD, MAX_LIMIT_USD, microsToUsd, periodEnd, userOfAccount } from "./money.core";

const usd = (max: number) => z.number().min(0).max(max).refine(isWholeMicros, "Should have at most 6 decimals");
const Name = z.string().min(1).max(253);
const Model = z.string().trim().min(1).max(128).refine(isWellFormed, NOT_WELL_FORMED);

/** Either name of the limit; null takes it away. */
export const SetLimitBody = z
  .object({
    monthlyLimitUsd: usd(MAX_LIMIT_USD).nullish(),
    ceilingAmount: usd(MAX_LIMIT_USD).nullish(),
    currency: z.literal(CURRENCY, "Should be USD, the only currency").optional(),
  })
  .refine(({ monthlyLimitUsd, ceilingAmount }) => monthlyLimitUsd !== undefined || ceilingAmount !== undefined, { path: ["monthlyLimitUsd"], message: "Field required" })
  .refine(({ monthlyLimitUsd, ceilingAmount }) => monthlyLimitUsd === undefined || ceilingAmount === undefined || monthlyLimitUsd === ceilingAmount, { path: ["ceilingAmount"], message: "Should equal monthlyLimitUsd" })
  .meta({ id: "SetBudgetRequest" });

export const limitOf = ({ monthlyLimitUsd, ceilingAmount }: z.output<typeof SetLimitBody>): number | null => monthlyLimitUsd ?? ceilingAmount ?? null;

export const AccountRef = z.object({ userId: z.string().trim().min(1).max(128) });
export const TenantSpendRef = z.object({ tenantName: Name });

const budgetFields = {
  /** Absent: no limit. */
  monthlyLimitUsd: z.number().optional(),
  currentSpendUsd: z.number(),
  budgetAlertState: z.enum(ALERT_STATES),
  currency: z.literal(CURRENCY),
  /** The limit; 0 when there is none (`limited` tells). */
  ceilingAmount: z.number(),
  limited: z.boolean(),
  reservedUsd: z.number(),
  period: z.string(),
  resetDate: z.iso.datetime(),
};

export const GlobalBudgetView = z.object(budgetFields).meta({ id: "GlobalBudget" });
export const AccountBudgetView = z.object({ userId: z.string(), ...budgetFields }).meta({ id: "AccountBudget" });
export const AccountBudgetListView = z.array(AccountBudgetView).meta({ id: "AccountBudgetList" });
export const RemovedBudgetView = z.object({ userId: z.string(), status: z.literal("deleted") }).meta({ id: "RemovedAccountBudget" });

export const SpendView = z
  .object({
    ...budgetFields,
    tenantName: z.string(),
    /** Where the numbers come from. */
    endpoint: z.string(),
    totalCostUsd: z.number(),
    remainingBudgetUsd: z.number().nullable(),
    monthlyBudgetUsd: z.number().nullable(),
    topModels: z.array(z.object({ model: z.string(), costUsd: z.number(), requests: z.int() })),
    /** This month and those before it, newest first. */
    months: z.array(z.object({ period: z.string(), spentUsd: z.number() })),
    /** The ledger's own numbers, micro-USD. */
    raw: z.object({ account: z.string(), period: z.string(), spent: z.int(), reserved: z.int(), limit: z.int().nullable() }),
  })
  .meta({ id: "TenantSpend" });

const ReservationId = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/, "Should be 1 to 128 letters, digits, dots, underscores, colons or hyphens");

export const ReserveBody = z
  .object({
    id: ReservationId.optional(),
    amountUsd: usd(MAX_CALL_USD),
    model: Model.optional(),
    userId: z.string().trim().min(1).max(128).optional(),
    /** For operators; a model key spends its own tenant's. */
    tenant: Name.optional(),
    ttlSeconds: z.int().min(1).max(3_600).default(600),
  })
  .meta({ id: "ReserveSpendRequest" });

export const ReservationRef = z.object({ id: ReservationId });

export const SettleBody = z
  .object({
    costUsd: usd(MAX_CALL_USD),
    model: Model,
    inputTokens: z.int().min(0).max(1_000_000_000),
    outputTokens: z.int().min(0).max(1_000_000_000),
  })
  .meta({ id: "SettleSpendRequest" });

export const ReservationView = z
  .object({
    id: z.string(),
    status: z.enum(["open", "settled", "released", "expired"]),
    amountUsd: z.number(),
    accounts: z.array(z.string()),
    tenant: z.string().optional(),
    userId: z.string().optional(),
    model: z.string().optional(),
    /** Month that it is booked in. */
    period: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    costUsd: z.number().optional(),
    inputTokens: z.int().optional(),
    outputTokens: z.int().optional(),
    settledAt: z.iso.datetime().optional(),
  })
  .meta({ id: "SpendReservation" });

const toBudgetFields = (status: AccountStatus) => ({
  ...(status.limit === null ? {} : { monthlyLimitUsd: microsToUsd(status.limit) }),
  currentSpendUsd: microsToUsd(status.spent),
  budgetAlertState: status.alert,
  currency: CURRENCY as typeof CURRENCY,
  ceilingAmount: microsToUsd(status.limit ?? 0),
  limited: status.limit !== null,
  reservedUsd: microsToUsd(status.reserved),
  period: status.period,
  resetDate: iso(periodEnd(Date.parse(`${status.period}-01T00:00:00Z`))),
});

export const toGlobalView = (status: AccountStatus): z.input<typeof GlobalBudgetView> => toBudgetFields(status);

export const toAccountView = (status: AccountStatus): z.input<typeof AccountBudgetView> => ({ userId: userOfAccount(status.account) ?? status.account, ...toBudgetFields(status) });

export const toSpendView = (tenantName: string, endpoint: string, { status, models, months }: SpendReport): z.input<typeof SpendView> => ({
  ...toBudgetFields(status),
  tenantName,
  endpoint,
  totalCostUsd: microsToUsd(status.spent),
  remainingBudgetUsd: status.limit === null ? null : microsToUsd(Math.max(0, status.limit - status.spent)),
  monthlyBudgetUsd: status.limit === null ? null : microsToUsd(status.limit),
  topModels: models.map(({ model, cost, requests }) => ({ model, costUsd: microsToUsd(cost), requests })),
  months: months.map(({ period, spent }) => ({ period, spentUsd: microsToUsd(spent) })),
  raw: { account: status.account, period: status.period, spent: status.spent, reserved: status.reserved, limit: status.limit },
});

type Reservation = Extract<ReserveVerdict, { kind: "granted" }>["reservation"] | Extract<SettleVerdict, { kind: "settled" }>["reservation"];

export const toReservationView = (reservation: Reservation): z.input<typeof ReservationView> => {
  const { usage, tenant, userId, model, closedAt } = reservation;
  return {
    id: reservation.id,
    status: reservation.status,
    amountUsd: microsToUsd(reservation.amount),
    accounts: [...reservation.accounts],
    ...(tenant === null ? {} : { tenant }),
    ...(userId === null ? {} : { userId }),
    ...(usage ? { model: usage.model } : model === null ? {} : { model }),
    period: reservation.period,
    createdAt: iso(reservation.createdAt),
    expiresAt: iso(reservation.expiresAt),
    ...(usage ? { costUsd: microsToUsd(usage.cost), inputTokens: usage.inputTokens, outputTokens: usage.outputTokens } : {}),
    ...(usage && closedAt !== null ? { settledAt: iso(closedAt) } : {}),
  };
};
