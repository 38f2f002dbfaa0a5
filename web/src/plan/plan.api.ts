/** The calls that the plan pages make, one function each. */
import { api, unwrap } from "../api/client";
import { readMeters, readOffers } from "./plan-wire.core";
import type { Downgrade, Meter, Offer, Subscription, Upgrade } from "./plan.types";

const requestPath = (request_id: string) => ({ params: { path: { request_id } } });

export const getSubscription = async (signal: AbortSignal): Promise<Subscription> => unwrap(await api.GET("/api/v1/subscription", { signal }));
export const listOffers = async (signal: AbortSignal): Promise<Offer[]> => readOffers(unwrap(await api.GET("/api/v1/subscription/plans", { signal })));
export const listMeters = async (signal: AbortSignal): Promise<Meter[]> => readMeters(unwrap(await api.GET("/api/v1/me/usage", { signal })));
export const listPayments = async (limit: number, signal: AbortSignal) => unwrap(await api.GET("/api/v1/subscription/payments", { params: { query: { limit } }, signal }));

export const startCheckout = async (priceId: string): Promise<string> => unwrap(await api.POST("/api/v1/subscription/checkout", { body: { price_id: priceId, return_to: "web" } })).checkout_url;
export const openPortal = async (): Promise<string> => unwrap(await api.POST("/api/v1/subscription/portal", { body: { return_to: "web" } })).portal_url;
export const changePlan = async (priceId: string) => unwrap(await api.POST("/api/v1/subscription/change-plan", { body: { price_id: priceId } }));
export const cancelSubscription = async () => unwrap(await api.POST("/api/v1/subscription/cancel"));
export const undoChange = async () => unwrap(await api.DELETE("/api/v1/subscription/cancel-change"));
export const backfillPayments = async () => unwrap(await api.POST("/api/v1/subscription/payments/backfill"));

export const findDowngrade = async (signal: AbortSignal): Promise<Downgrade | null> => unwrap(await api.GET("/api/v1/me/downgrade-requests/active", { signal }));
/** Opens the choice of what to keep before the plan goes down, which is planned already. */
export const startDowngrade = async (planKey: string) => unwrap(await api.POST("/api/v1/me/subscription/downgrade", { body: { to_plan: planKey } }));
export const resolveDowngrade = async (requestId: string, feature: string, keepIds: string[]) =>
  unwrap(await api.POST("/api/v1/me/downgrade-requests/{request_id}/resolve", { ...requestPath(requestId), body: { feature, keep_ids: keepIds } }));
export const findUpgrade = async (signal: AbortSignal): Promise<Upgrade | null> => unwrap(await api.GET("/api/v1/me/upgrade-requests/active", { signal }));
export const resolveUpgrade = async (requestId: string, feature: string, reenableIds: string[]) =>
  unwrap(await api.POST("/api/v1/me/upgrade-requests/{request_id}/resolve", { ...requestPath(requestId), body: { feature, reenable_ids: reenableIds } }));
export const dismissUpgrade = async (requestId: string) => unwrap(await api.POST("/api/v1/me/upgrade-requests/{request_id}/dismiss", requestPath(requestId)));

export const listParkedMachines = async (signal: AbortSignal) =>
  unwrap(await api.GET("/api/v1/openclaw/status", { signal }))
    .filter(({ plan_disabled }) => plan_disabled)
    .map(({ instance_id, label }) => ({ instanceId: instance_id, name: label || instance_id }));
